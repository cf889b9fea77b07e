import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClickHouse, connectClickHouse, type Engine, startEngine } from '../index.js';
import { migrateClickHouse } from '../migrate/migrate.js';
import { clickhouseTemplate } from './template.js';

let dataDir: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-engine-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(dataDir, { recursive: true, force: true });
});

async function open(template: string | undefined): Promise<ClickHouse> {
  const engine: Engine = await startEngine({ dataDir, template });
  closers.push(() => engine.close());
  const clickhouse = connectClickHouse(engine.target);
  closers.push(() => clickhouse.close());
  return clickhouse;
}

test('an engine on the prepared directory has the tables of this version and no row', async () => {
  expect(clickhouseTemplate()).toBeDefined();
  const clickhouse = await open(clickhouseTemplate());
  const tables = await clickhouse.query<{ name: string; total_rows: string | null }>(
    "SELECT database || '.' || name AS name, total_rows FROM system.tables WHERE database LIKE 'weir%' AND engine LIKE '%MergeTree'",
  );
  expect(tables.length).toBeGreaterThan(3);
  expect(tables.filter((table) => table.total_rows !== '0').map((table) => table.name)).toEqual([
    'weir.weir_migrations',
  ]);
  expect(await migrateClickHouse(clickhouse, { exclusive: true })).toMatchObject({ applied: [] });
});

test('an engine whose template is missing starts empty', async () => {
  const clickhouse = await open(join(dataDir, 'gone'));
  const { applied } = await migrateClickHouse(clickhouse, { exclusive: true });
  expect(applied.length).toBeGreaterThan(2);
});

test('an engine with its own data keeps it', async () => {
  const first = await open(undefined);
  await first.command('CREATE DATABASE kept');
  for (const close of closers.splice(0).reverse()) await close();
  const second = await open(clickhouseTemplate());
  expect(await second.query("SELECT name FROM system.databases WHERE name IN ('kept', 'weir')")).toEqual([
    { name: 'kept' },
  ]);
});
