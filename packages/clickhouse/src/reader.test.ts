import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type ClickHouse,
  ClickHouseError,
  connectClickHouse,
  connectReader,
  type Engine,
  migrateClickHouse,
  type Reader,
  type ResultBytes,
  startEngine,
} from './index.js';
import { EVENTS_INSERT, eventRows } from './testing/event-rows.js';
import { failureOf } from './testing/failure-of.js';

/** Runs until somebody stops it. */
const ENDLESS = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1';
const PROJECT_A = '0192f0c1-0000-7000-8000-00000000000a';
const PROJECT_B = '0192f0c1-0000-7000-8000-00000000000b';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;
let reader: Reader;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-reader-'));
  engine = await startEngine({ dataDir });
  clickhouse = connectClickHouse(engine.target);
  reader = connectReader(engine.target);
  await migrateClickHouse(clickhouse);
});

afterAll(async () => {
  await reader?.close();
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function text(result: ResultBytes): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of result) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

describe('the reader', () => {
  beforeAll(async () => {
    await clickhouse.insertRaw(EVENTS_INSERT, [
      ...eventRows({ projectId: PROJECT_A, count: 300, event: 'signup' }),
      ...eventRows({ projectId: PROJECT_B, count: 200, event: 'CANARY' }),
    ]);
  });

  it('sees the rows of its project only', async () => {
    const sql = 'SELECT event, count() AS n, uniqExact(distinct_id) AS who FROM weir.events GROUP BY event';
    expect(await text(await reader.query(PROJECT_A, sql))).toBe('{"event":"signup","n":"300","who":"100"}\n');
    expect(await text(await reader.query(PROJECT_B, sql, { format: 'CSV' }))).toBe('"CANARY",200,100\n');
    expect(await text(await reader.query('0192f0c1-0000-7000-8000-00000000000c', sql))).toBe('');
  });

  it.each([
    ['a base table', 'SELECT * FROM weir_base.events_raw_v1'],
    ['merge()', "SELECT * FROM merge('weir_base', '.*')"],
    ['the primary index', "SELECT * FROM mergeTreeIndex('weir_base', 'events_raw_v1')"],
    ['a further statement', 'SELECT 1; SELECT 2'],
    ['SET ROLE', 'SET ROLE admin'],
    ['KILL', 'KILL QUERY WHERE 1'],
    ['a write', "INSERT INTO weir.events (event) SELECT 'x'"],
    ['what is kept of the schema', 'SELECT * FROM weir.weir_migrations'],
  ])('is refused %s', async (_, sql) => {
    const outcome = await reader.query(PROJECT_A, sql).then(text, (error: unknown) => error);
    expect(outcome).toBeInstanceOf(ClickHouseError);
  });

  it('cannot take another project for its own, nor learn of it through errors', async () => {
    const forged = `SELECT count() AS n FROM (SELECT * FROM weir.events SETTINGS log_comment = '${PROJECT_B}')`;
    const outcome = await reader.query(PROJECT_A, forged).then(text, () => 'refused');
    expect(['{"n":"0"}\n', 'refused']).toContain(outcome);
    const probe = "SELECT count() AS n FROM weir.events WHERE throwIf(event = 'CANARY') = 0";
    expect(await text(await reader.query(PROJECT_A, probe))).toBe('{"n":"300"}\n');
    expect(await text(await reader.query(PROJECT_A, 'SELECT query FROM system.processes'))).toBe('');
  });

  it('keeps its limits', async () => {
    const limited = reader.query(PROJECT_A, 'SELECT groupArray(number) FROM numbers(50000000)', {
      limits: { memoryBytes: 50_000_000 },
    });
    expect(await failureOf(limited)).toMatchObject({ code: 241 });
  });

  it('is stopped by its project', async () => {
    const call = failureOf(reader.query(PROJECT_A, ENDLESS).then(text));
    await vi.waitUntil(async () => (await clickhouse.running(`${PROJECT_A}:`)) === 1);
    await clickhouse.kill(`${PROJECT_A}:`);
    expect(await call).toMatchObject({ code: 394 });
  });
});
