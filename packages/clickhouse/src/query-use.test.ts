import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  type ClickHouse,
  clickhouseTemplate,
  connectClickHouse,
  connectReader,
  type Engine,
  migrateClickHouse,
  type QueryUse,
  type Reader,
  type ReaderAnswer,
  startEngine,
} from './index.js';
import { failureOf } from './testing/failure-of.js';

const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';
const ROWS = 1_000_000;
/** One thread, so that a machine with many cores does not finish before the first lookup. */
const ONE_THREAD = { limits: { threads: 1 } };
const NOT_WHOLE = 'an answer that was not read to its end';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;
let reader: Reader;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-use-'));
  engine = await startEngine({ dataDir, template: clickhouseTemplate() });
  clickhouse = connectClickHouse(engine.target);
  reader = connectReader(engine.target);
  await migrateClickHouse(clickhouse);
  await clickhouse.command(`INSERT INTO weir_base.events_raw_v1
    (log_epoch, log_offset, log_index, project_id, event, event_id, user_id, timestamp, properties, extras, received_at)
    SELECT 1, number, 0, '${PROJECT}', 'e', toString(number), 'u', now64(3), toString(number), '{}', now64(3)
    FROM numbers(${ROWS})`);
}, 60_000);

afterAll(async () => {
  await reader?.close();
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Reads an answer to its end; returns its use, and the time as measured here. */
async function whole(
  asked: Promise<ReaderAnswer>,
  atEachPart: () => Promise<unknown> = async () => {},
): Promise<{ used: QueryUse; wallMs: number }> {
  const started = performance.now();
  const answer = await asked;
  for await (const _ of answer) await atEachPart();
  const used = answer.used();
  if (used === undefined) throw new Error(NOT_WHOLE);
  return { used, wallMs: performance.now() - started };
}

it.each([
  ['counts', 'SELECT count() FROM numbers(5000000) WHERE sipHash64(number) % 3 = 1', 5_000_000, 1_000_000],
  [
    'groups',
    'SELECT number % 1000000 AS g, count() FROM numbers(5000000) GROUP BY g LIMIT 1',
    5_000_000,
    2 ** 23,
  ],
  ['reads a table', 'SELECT uniqExact(properties) FROM weir.events', ROWS, 1_000_000],
])('is exact of a query that %s', async (_, sql, rows, memory) => {
  const { used, wallMs } = await whole(reader.query(PROJECT, sql, ONE_THREAD));
  // A view reads a row or two itself.
  expect(used.readRows - rows).toBeGreaterThanOrEqual(0);
  expect(used.readRows - rows).toBeLessThan(10);
  expect(used.readBytes).toBeGreaterThan(rows);
  expect(used.memoryBytes).toBeGreaterThan(memory);
  expect(used.elapsedMs).toBeGreaterThan(0);
  expect(used.elapsedMs).toBeLessThanOrEqual(wallMs);
});

it.each(['JSONEachRow', 'CSVWithNames', 'Parquet'])(
  'is never too high for a long answer in %s',
  async (format) => {
    const sql = 'SELECT number FROM numbers(20000000) WHERE number % 100 = 0';
    const { used, wallMs } = await whole(reader.query(PROJECT, sql, { ...ONE_THREAD, format }));
    expect(used.readRows).toBeLessThanOrEqual(20_000_000);
    expect(used.readRows).toBeGreaterThan(10_000_000);
    expect(used.elapsedMs).toBeLessThanOrEqual(wallMs);
  },
);

it('is known for a query without results', async () => {
  const sql = 'SELECT number FROM numbers(30000000) WHERE sipHash64(number) = 1';
  const { used } = await whole(reader.query(PROJECT, sql, ONE_THREAD));
  expect(used.readRows).toBeGreaterThan(10_000_000);
  expect(used.readRows).toBeLessThanOrEqual(30_000_000);
});

it('does not include the time of the reader', async () => {
  let isFirst = true;
  const { used, wallMs } = await whole(
    reader.query(PROJECT, 'SELECT number, toString(number) FROM numbers(1000000)'),
    async () => {
      if (isFirst) await clickhouse.query('SELECT sleep(2)');
      isFirst = false;
    },
  );
  expect(wallMs).toBeGreaterThan(2_000);
  expect(used.elapsedMs).toBeGreaterThan(0);
  expect(used.elapsedMs).toBeLessThan(wallMs - 1_900);
});

it('is small for a small query', async () => {
  const { used, wallMs } = await whole(reader.query(PROJECT, 'SELECT 1'));
  expect(used.elapsedMs).toBeGreaterThan(0);
  expect(used.elapsedMs).toBeLessThanOrEqual(wallMs);
  expect(used.readRows).toBeLessThanOrEqual(1);
});

it('is returned for a failed query when its tag is killed', async () => {
  const sql = 'SELECT throwIf(number = 4000000) FROM numbers(5000000)';
  // The failure may precede or follow the first block.
  await failureOf(whole(reader.query(PROJECT, sql, { tag: 'failed' })));
  const used = await clickhouse.kill(reader.tagOf(PROJECT, 'failed'));
  expect(used?.readRows).toBeGreaterThan(3_900_000);
  expect(used?.readRows).toBeLessThanOrEqual(5_000_000);
  expect(used?.elapsedMs).toBeGreaterThan(0);
});

it('is returned for a query that was left during its answer', async () => {
  const sql = 'SELECT number FROM numbers(100000000)';
  const answer = await reader.query(PROJECT, sql, { tag: 'left' });
  for await (const _ of answer) break;
  expect(answer.used()).toBeUndefined();
  const used = await clickhouse.kill(reader.tagOf(PROJECT, 'left'));
  expect(used?.readRows).toBeLessThan(100_000_000);
  expect(used?.elapsedMs).toBeGreaterThan(0);
});

it('is returned for a query that was killed while it ran', async () => {
  const leaving = new AbortController();
  const sql = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1';
  const call = reader
    .query(PROJECT, sql, { tag: 'killed', signal: leaving.signal })
    .then((answer) => whole(Promise.resolve(answer)));
  const outcome = call.catch((error: unknown) => error);
  const hasRead = async () => {
    const running = 'SELECT max(read_rows) AS n FROM system.processes';
    return Number((await clickhouse.query<{ n: string }>(running))[0]?.n) > 5_000_000;
  };
  await vi.waitUntil(hasRead, { timeout: 20_000 });
  leaving.abort(new Error('left'));
  expect(await outcome).toMatchObject({ message: 'left' });
  const used = await clickhouse.kill(reader.tagOf(PROJECT, 'killed'));
  expect(used?.readRows).toBeGreaterThan(5_000_000);
  expect(used?.memoryBytes).toBeGreaterThan(0);
  expect(await clickhouse.kill(reader.tagOf(PROJECT, 'unknown'))).toBeUndefined();
});
