import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type ClickHouse,
  ClickHouseError,
  clickhouseTemplate,
  connectClickHouse,
  connectParser,
  connectReader,
  type Engine,
  migrateClickHouse,
  type Parser,
  type Reader,
  type ResultBytes,
  startEngine,
} from './index.js';
import { EVENTS_INSERT, eventRows } from './testing/event-rows.js';
import { failureOf } from './testing/failure-of.js';

/** A query that runs until it is stopped. */
const ENDLESS = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1';
const PROJECT_A = '0192f0c1-0000-7000-8000-00000000000a';
const PROJECT_B = '0192f0c1-0000-7000-8000-00000000000b';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;
let reader: Reader;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-reader-'));
  engine = await startEngine({ dataDir, template: clickhouseTemplate() });
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

  it('sees only the rows of its project', async () => {
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

  it('cannot use the scope of another project, nor learn of it through errors', async () => {
    const forged = `SELECT count() AS n FROM (SELECT * FROM weir.events SETTINGS log_comment = '${PROJECT_B}')`;
    expect(await text(await reader.query(PROJECT_A, forged))).toBe('{"n":"0"}\n');
    const probe = "SELECT count() AS n FROM weir.events WHERE throwIf(event = 'CANARY') = 0";
    expect(await text(await reader.query(PROJECT_A, probe))).toBe('{"n":"300"}\n');
    expect(await text(await reader.query(PROJECT_A, 'SELECT query FROM system.processes'))).toBe('');
  });

  it('keeps its limits', async () => {
    const limited = reader.query(PROJECT_A, 'SELECT groupArray(number) FROM numbers(50000000)', {
      limits: { memoryBytes: 50_000_000 },
    });
    expect(await failureOf(limited)).toMatchObject({ exceptionCode: 241 });
  });

  it.each(['CSVWithNames', 'JSONCompactEachRowWithNamesAndTypes', 'TSVWithNames', 'JSONEachRow'])(
    'answers in %s as one document, however many blocks it has',
    async (format) => {
      const sql = (rows: number): string =>
        `SELECT number AS "a""\nb", toString(number) AS c FROM numbers(${rows})`;
      const [one, many] = await Promise.all(
        [1, 200_000].map(async (rows) => text(await reader.query(PROJECT_A, sql(rows), { format }))),
      );
      const [row = '', ...header] = (one ?? '').split('\n').reverse().slice(1);
      const isHeader = format.includes('WithNames');
      expect(header.length > 0).toBe(isHeader);
      const lines = (many ?? '').split('\n').slice(0, -1);
      expect(lines).toHaveLength(200_000 + header.length);
      expect(lines.slice(0, header.length)).toEqual(header.toReversed());
      expect(lines[header.length]).toBe(row);
      expect(lines.at(-1)).toContain('199999');
    },
  );

  it.each([
    ['Parquet', 0],
    ['Parquet', 1],
    ['Parquet', 200_000],
    ['ArrowStream', 0],
    ['ArrowStream', 200_000],
  ])('answers in %s as one document of %i rows', async (format, rows) => {
    const sql = `SELECT toUInt64(number) AS a, toString(number) AS b FROM numbers(${rows})`;
    const answer = await reader.query(PROJECT_A, sql, { format, params: {} });
    const parts: Uint8Array[] = [];
    for await (const part of answer) parts.push(part);
    const path = join(dataDir, `answer-${format}-${rows}`);
    await writeFile(path, Buffer.concat(parts));
    const read = `SELECT count() AS n, sum(a) AS sum FROM file('${path}', ${format})`;
    expect(await clickhouse.query(read)).toEqual([{ n: String(rows), sum: String((rows * (rows - 1)) / 2) }]);
  });

  it('is stopped by its project', async () => {
    const call = failureOf(reader.query(PROJECT_A, ENDLESS).then(text));
    await vi.waitUntil(async () => (await clickhouse.running(reader.tagOf(PROJECT_A))) === 1);
    await clickhouse.kill(reader.tagOf(PROJECT_A));
    expect(await call).toMatchObject({ exceptionCode: 394 });
  });
});

describe('the parser', () => {
  let parser: Parser;
  beforeAll(() => {
    parser = connectParser(engine.target);
  });
  afterAll(() => parser.close());

  it('parses, and resolves no names', async () => {
    const formatted = await parser.rows<{ f: string }>('SELECT formatQuerySingleLine({sql:String}) AS f', {
      params: { sql: 'select  1 -- x' },
    });
    expect(formatted).toEqual([{ f: 'SELECT 1' }]);
    const tree = await parser.rows<{ explain: string }>(
      'EXPLAIN QUERY TREE run_passes = 0 SELECT * FROM (SELECT file(x) FROM nowhere)',
    );
    expect(tree.map((row) => row.explain).join('\n')).toContain('function_name: file');
  });

  it.each([
    'SELECT * FROM weir.events',
    'SELECT * FROM weir_base.events_raw_v1',
    'SET ROLE admin; SELECT 1 FROM weir.events',
  ])('may not %s', async (sql) => {
    expect(await failureOf(parser.rows(sql))).toBeInstanceOf(ClickHouseError);
  });
});
