import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyTemplate } from '@weir/base/node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openPostgres, type Postgres } from '../postgres.js';
import { childrenOf } from '../testing/index.js';
import { postgresTemplate } from './template.js';

let dataDir: string;
const opened: Postgres[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-pglite-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((postgres) => postgres.close()));
  await rm(dataDir, { recursive: true });
});

function open(template: string | undefined, home = dataDir): Postgres {
  const postgres = openPostgres({ dataDir: home, template });
  opened.push(postgres);
  return postgres;
}

/** The number that `initdb` draws: equal only for copies of the same directory. */
async function identifier(postgres: Postgres): Promise<unknown> {
  await postgres.ready;
  const { rows } = await postgres.db.execute(
    sql`select system_identifier::text as id from pg_control_system()`,
  );
  return rows[0]?.id;
}

test('a first start copies the directory that the build prepared for these versions', async () => {
  const template = postgresTemplate();
  expect(template).toBeDefined();
  const one = await identifier(open(template, join(dataDir, 'one')));
  const two = await identifier(open(template, join(dataDir, 'two')));
  expect(one).toMatch(/^[0-9]+$/);
  expect(two).toBe(one);
});

test('the prepared directory contains the schema and no row of an installation', async () => {
  const postgres = open(postgresTemplate());
  await postgres.ready;
  const tables = await postgres.db.execute<{ name: string }>(
    sql`select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  );
  const filled: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await postgres.db.execute(sql`select 1 from ${sql.identifier(name)} limit 1`);
    if (rows.length > 0) filled.push(name);
  }
  expect(tables.rows.length).toBeGreaterThan(5);
  expect(filled).toEqual(['tenant_runtime_revision', 'weir_migrations']);
});

test('the prepared directory contains one database, and a start from it that is killed recovers', async () => {
  const postgres = open(postgresTemplate());
  await postgres.ready;
  const databases = sql`select datname::text as name from pg_database`;
  expect((await postgres.db.execute(databases)).rows).toEqual([{ name: 'postgres' }]);
  await postgres.db.execute(sql`create table written (n int)`);
  await postgres.db.execute(sql`insert into written select generate_series(1, 1000)`);
  for (const pid of childrenOf(join(dataDir, 'postgres'))) process.kill(pid, 'SIGKILL');
  await postgres.close();
  expect(await readdir(join(dataDir, 'postgres', 'base'))).toHaveLength(1);
  const next = open(postgresTemplate());
  await next.ready;
  expect((await next.db.execute(sql`select count(*)::int as n from written`)).rows).toEqual([{ n: 1000 }]);
});

test('a missing template is replaced by a new directory', async () => {
  const postgres = open(join(dataDir, 'gone'));
  await postgres.ready;
  expect(await postgres.ping()).toBe(true);
});

test('a child killed during the copy leaves no partial directory, and the next start copies it', async () => {
  // Many more files than a template has, so that the copy lasts until the child is found.
  const template = join(dataDir, 'template');
  await copyTemplate(postgresTemplate() ?? '', template);
  await mkdir(join(template, 'more'));
  for (let i = 0; i < 1_500; i++) await writeFile(join(template, 'more', `f${i}`), 'x');
  const postgres = open(template);
  await vi.waitUntil(() => existsSync(join(dataDir, 'postgres.new')), { timeout: 20_000, interval: 1 });
  const [pid] = childrenOf(join(dataDir, 'postgres'));
  if (pid === undefined) throw new Error('no child copies');
  process.kill(pid, 'SIGKILL');
  await vi.waitUntil(() => !childrenOf(join(dataDir, 'postgres')).includes(pid), { timeout: 5_000 });
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  await postgres.close();
  const next = open(postgresTemplate());
  await next.ready;
  expect(await next.ping()).toBe(true);
  expect(existsSync(join(dataDir, 'postgres.new'))).toBe(false);
});
