import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClickHouse, connectClickHouse, type Engine, startEngine } from '../index.js';
import { EVENTS_INSERT, eventRow, eventRows } from '../testing/event-rows.js';
import { migrateClickHouse } from './migrate.js';
import { databaseNames, type Migration } from './migration.js';
import { migrations } from './migrations.js';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-migrate-'));
  engine = await startEngine({ dataDir });
  clickhouse = connectClickHouse(engine.target);
});

afterAll(async () => {
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

it('brings an empty store to this version once, however many nodes start at once', async () => {
  const results = await Promise.all([1, 2, 3].map(() => migrateClickHouse(clickhouse)));
  expect(results.map(({ version }) => version)).toEqual([5, 5, 5]);
  expect(results.flatMap(({ applied }) => applied)).toEqual([1, 2, 3, 4, 5]);
  expect(await migrateClickHouse(clickhouse)).toEqual({ version: 5, applied: [] });
  expect(await clickhouse.query('SELECT id, name FROM weir.weir_migrations ORDER BY id')).toEqual([
    { id: 1, name: 'events' },
    { id: 2, name: 'identity' },
    { id: 3, name: 'usage' },
    { id: 4, name: 'readable documents' },
    { id: 5, name: 'aliases of anonymous ids' },
  ]);
});

it('restores the public views at each start, also with concurrent starts', async () => {
  const describeEvents = (): Promise<unknown> => clickhouse.query('DESCRIBE TABLE weir.events');
  const right = await describeEvents();
  await clickhouse.command('CREATE OR REPLACE VIEW weir.events AS SELECT 1 AS wrong');
  await clickhouse.command('DROP VIEW weir.persons');
  await Promise.all([1, 2, 3].map(() => migrateClickHouse(clickhouse)));
  expect(await describeEvents()).toEqual(right);
  expect(await clickhouse.query('SELECT count() AS n FROM weir.persons')).toEqual([{ n: '0' }]);
  await expect(migrateClickHouse(clickhouse, { definer: 'a b' })).rejects.toThrow(/definer/);
});

it('runs only one node’s steps at a time', async () => {
  await clickhouse.command(
    'CREATE TABLE default.trace (what String, at DateTime64(9) DEFAULT now64(9)) ENGINE = MergeTree ORDER BY at',
  );
  const step: Migration = {
    id: 1,
    name: 'slow',
    statements: [
      "INSERT INTO default.trace (what) VALUES ('begin')",
      'SELECT sleep(0.3)',
      "INSERT INTO default.trace (what) VALUES ('end')",
    ],
  };
  const options = { database: 'apart', steps: [step] };
  const results = await Promise.all([1, 2, 3, 4].map(() => migrateClickHouse(clickhouse, options)));
  expect(results.flatMap(({ applied }) => applied)).toEqual([1]);
  expect(await clickhouse.query('SELECT what FROM default.trace ORDER BY at')).toEqual([
    { what: 'begin' },
    { what: 'end' },
  ]);
});

it('resumes after a step that failed halfway', async () => {
  const broken: Migration = {
    id: 1,
    name: 'broken',
    statements: ['CREATE TABLE IF NOT EXISTS default.half (n UInt8) ENGINE = Memory', 'SELECT throwIf(1)'],
  };
  await expect(migrateClickHouse(clickhouse, { database: 'half', steps: [broken] })).rejects.toMatchObject({
    exceptionCode: 395,
  });
  const mended = { ...broken, statements: broken.statements.slice(0, 1) };
  expect(await migrateClickHouse(clickhouse, { database: 'half', steps: [mended] })).toEqual({
    version: 1,
    applied: [1],
  });
});

it('rejects data that is newer than the code, naming both versions', async () => {
  const future: Migration[] = [1, 2].map((id) => ({ id, name: `step ${id}`, statements: [] }));
  await migrateClickHouse(clickhouse, { database: 'future', steps: future });
  const older = migrateClickHouse(clickhouse, { database: 'future', steps: future.slice(0, 1) });
  await expect(older).rejects.toThrow(/schema version 2, newer than this code's 1/);
  await expect(older).rejects.toMatchObject({ code: 'query', retryable: false });
});

it('keeps times from 1970 to 2200 in months where events are dense and in years elsewhere', async () => {
  const times = [
    '1970-01-01T00:00:00.000Z',
    '2014-12-31T23:59:59.999Z',
    '2015-01-01T00:00:00.000Z',
    '2026-06-15T12:34:56.789Z',
    '2040-12-31T23:59:59.999Z',
    '2041-01-01T00:00:00.000Z',
    '2200-12-31T23:59:59.999Z',
  ];
  await clickhouse.insertRaw(
    EVENTS_INSERT,
    times.flatMap((time, n) =>
      eventRows({
        projectId: '0192f0c1-0000-7000-8000-00000000000a',
        count: 1,
        offset: n,
        timestamp: Date.parse(time),
      }),
    ),
  );
  const rows = await clickhouse.query<{ at: string; part: string }>(
    'SELECT toUnixTimestamp64Milli(timestamp) AS at, _partition_id AS part FROM weir_base.events_raw_v1 ORDER BY log_offset',
  );
  expect(rows.map(({ at }) => new Date(Number(at)).toISOString())).toEqual(times);
  expect(rows.map(({ part }) => part)).toEqual([
    '197000',
    '201400',
    '201501',
    '202606',
    '204012',
    '204100',
    '220000',
  ]);
});

it('rewrites stored documents that ClickHouse cannot read, and links the aliases in them', async () => {
  const projectId = '0192f0c1-0000-7000-8000-00000000000b';
  const before = migrations(databaseNames());
  await clickhouse.command('TRUNCATE TABLE weir.weir_migrations');
  await migrateClickHouse(clickhouse, { steps: before.slice(0, 3) });
  const documents: [string, string][] = [
    ['{"n":1,"s":"a\\ud83d\\ud83db"}', '{"n":1,"s":"a\ufffd\ufffdb"}'],
    ['{"\\ud800":{"s":"\\\\ud83d"}}', '{"\ufffd":{"s":"\\\\ud83d"}}'],
    [
      '{"n":[18446744073709551616,1.5],"s":"x,18446744073709551616,"}',
      '{"n":["18446744073709551616",1.5],"s":"x,18446744073709551616,"}',
    ],
    ['{"n":18446744073709551615}', '{"n":18446744073709551615}'],
    [
      `{"d":${'['.repeat(2_000)}${']'.repeat(2_000)}}`,
      `{"$unreadable":"{\\"d\\":${'['.repeat(2_000)}${']'.repeat(2_000)}}"}`,
    ],
    ['{"alias":"old","n":-9223372036854775809}', '{"alias":"old","n":"-9223372036854775809"}'],
  ];
  const row = (n: number, properties: string, event = '$alias') =>
    eventRow({
      projectId,
      place: [1, n, 0],
      event,
      eventId: `${n}`,
      anonymousId: null,
      userId: 'kept',
      sessionId: null,
      timestamp: Date.UTC(2026, 5, 15),
      properties,
    });
  await clickhouse.insertRaw(
    EVENTS_INSERT,
    documents.map(([properties], n) => row(n, properties)),
  );
  await migrateClickHouse(clickhouse);
  const read = async () =>
    (
      await clickhouse.query<{ properties: string }>(
        `SELECT properties FROM weir_base.events_raw_v1 WHERE project_id = '${projectId}' ORDER BY log_offset`,
      )
    ).map(({ properties }) => properties);
  await expect.poll(read, { timeout: 20_000 }).toEqual(documents.map(([, expected]) => expected));
  const links = await clickhouse.query(
    `SELECT user_id FROM weir_base.alias_links_v1 WHERE project_id = '${projectId}' AND id = sipHash64('old')`,
  );
  expect(links).toEqual([{ user_id: 'kept' }]);
});
