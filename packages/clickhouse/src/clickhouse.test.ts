import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  BAD_DATA_CODES,
  type ClickHouse,
  ClickHouseError,
  connectClickHouse,
  connectReader,
  type Engine,
  migrateClickHouse,
  startEngine,
  UNAVAILABLE_CODES,
} from './index.js';
import { COUNT_RUNNING, KILL_RUNNING } from './running-queries.js';
import { engineRequest } from './testing/engine-request.js';
import { EVENTS_INSERT, eventRows } from './testing/event-rows.js';
import { failureOf } from './testing/failure-of.js';

/** A query that runs until it is stopped. */
const ENDLESS = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1';
const PROJECT = '0192f0c1-0000-7000-8000-00000000000a';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-clickhouse-'));
  engine = await startEngine({ dataDir });
  clickhouse = connectClickHouse(engine.target);
  await migrateClickHouse(clickhouse);
});

afterAll(async () => {
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('queries', () => {
  it('answer ping and version', async () => {
    expect(await clickhouse.ping()).toBe(true);
    expect(await clickhouse.version()).toMatch(/^\d+\.\d+\./);
    expect(engine.health()).toMatchObject({ state: 'ready', restarts: 0 });
  });

  it('bind parameters of any content and keep the digits of wide integers', async () => {
    const property = fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (value) => {
      fc.pre(!value.includes('\0'));
      const rows = await clickhouse.query('SELECT {value:String} AS value, {wide:UInt64} AS wide', {
        params: { value, wide: 18446744073709551615n },
      });
      expect(rows).toEqual([{ value, wide: '18446744073709551615' }]);
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it('keep settings and parameters of concurrent callers apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        clickhouse.query<{ n: number; rows: number }>(
          "SELECT {n:UInt32} AS n, getSetting('max_result_rows') AS rows",
          { params: { n }, settings: { max_result_rows: 1000 + n } },
        ),
      ),
    );
    expect(answers.map(([row]) => row)).toEqual(answers.map((_, n) => ({ n, rows: 1000 + n })));
  });

  it.each([
    'config-file',
    'config_file',
    'path',
    'logger.level',
    'no_such_setting',
    '--path',
    'max_threads=1 --path',
  ])('refuse %s as a setting', async (name) => {
    expect(await failureOf(clickhouse.query('SELECT 1', { settings: { [name]: '/tmp/x' } }))).toMatchObject({
      exceptionCode: 115,
      code: 'query',
    });
  });

  it('stream a large result in blocks', async () => {
    let bytes = 0;
    let parts = 0;
    for await (const part of await clickhouse.stream('SELECT number FROM numbers(3000000)', {
      format: 'RowBinary',
    })) {
      bytes += part.length;
      parts += 1;
    }
    expect(bytes).toBe(24_000_000);
    expect(parts).toBeGreaterThan(10);
  });

  it('fail before the first byte, or raise in the middle of a stream', async () => {
    await expect(failureOf(clickhouse.stream('SELECT throwIf(1)'))).resolves.toMatchObject({
      exceptionCode: 395,
    });
    const late = await clickhouse.stream('SELECT throwIf(number = 2000000) FROM numbers(5000000)', {
      format: 'TSV',
    });
    let bytes = 0;
    const error = await failureOf(
      (async () => {
        for await (const part of late) bytes += part.length;
      })(),
    );
    expect(error).toMatchObject({ exceptionCode: 395, codeName: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO' });
    expect(bytes).toBeGreaterThan(0);
    expect(bytes % 2).toBe(0);
  });

  it('report what was rejected without quoting the statement', async () => {
    const error = await failureOf(clickhouse.query("SELEKT 'a secret'"));
    expect(error).toMatchObject({
      exceptionCode: 62,
      codeName: 'SYNTAX_ERROR',
      code: 'query',
      retryable: false,
      status: 0,
    });
    expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain('secret');
    expect(error.detail).toContain('Syntax error');
  });

  it('name every listed code as the engine does', async () => {
    const listed = [...UNAVAILABLE_CODES, ...BAD_DATA_CODES];
    const rows = await clickhouse.query<{ code: number; name: string }>(
      'SELECT arrayJoin({codes:Array(Int32)}) AS code, errorCodeToName(code) AS name',
      { params: { codes: listed.map(([code]) => code) } },
    );
    expect(rows.map(({ code, name }) => [code, name])).toEqual(listed);
  });
});

describe('inserts', () => {
  it('write rows of any bytes, also those that look like the end of a statement', async () => {
    await clickhouse.command('CREATE TABLE default.bytes (n UInt64, s String) ENGINE = MergeTree ORDER BY n');
    const property = fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc
            .constantFrom('\n\n', '\n\nDROP TABLE default.bytes;\n', ';', '\r\n\r\n')
            .map((s) => Buffer.from(s)),
        ),
        { minLength: 1, maxLength: 20 },
      ),
      async (values) => {
        await clickhouse.command('TRUNCATE TABLE default.bytes');
        const body = values.map((value, n) => {
          const head = Buffer.alloc(9);
          head.writeBigUInt64LE(BigInt(n + 2570), 0);
          head[8] = value.length;
          return Buffer.concat([head, value]);
        });
        expect(await clickhouse.insertRaw('INSERT INTO default.bytes (n, s) FORMAT RowBinary', body)).toEqual(
          {
            writtenRows: values.length,
          },
        );
        const rows = await clickhouse.query<{ s: string }>(
          'SELECT hex(s) AS s FROM default.bytes ORDER BY n',
        );
        expect(rows.map(({ s }) => s)).toEqual(
          values.map((value) => Buffer.from(value).toString('hex').toUpperCase()),
        );
      },
    );
    await fc.assert(property, { numRuns: 25 });
    await clickhouse.insertRaw('INSERT INTO default.bytes FORMAT JSONEachRow', [
      Buffer.from('{"n":1,"s":"a"}\n\n{"n":2,"s":"b"}\n'),
    ]);
    await clickhouse.command('DROP TABLE default.bytes');
  });

  it('classify errors of the engine', async () => {
    const [row] = eventRows({ projectId: PROJECT, count: 1 });
    const rows = await clickhouse.query<{ n: string }>('SELECT count() AS n FROM weir_base.events_raw_v1');
    const cut = await failureOf(
      clickhouse.insertRaw(
        EVENTS_INSERT,
        [row ?? Buffer.alloc(0)].map((r) => r.subarray(0, 40)),
      ),
    );
    expect(cut).toMatchObject({ code: 'bad_data', exceptionCode: 32, retryable: false });
    expect(cut.detail).not.toContain('spool');
    expect(
      await failureOf(
        clickhouse.insertRaw('INSERT INTO weir_base.absent FORMAT RowBinary', [Buffer.from([1])]),
      ),
    ).toMatchObject({ code: 'unavailable', exceptionCode: 60, retryable: true });
    expect(await clickhouse.query('SELECT count() AS n FROM weir_base.events_raw_v1')).toEqual(rows);
  });

  it('take gzip bodies', async () => {
    await clickhouse.command('CREATE TABLE default.zipped (s String) ENGINE = Memory');
    const answer = await engineRequest(engine.target, {
      query: { query: 'INSERT INTO default.zipped FORMAT TSV' },
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('one\ntwo\n'),
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(String(answer.headers['x-clickhouse-summary']))).toMatchObject({ written_rows: '2' });
    await clickhouse.command('DROP TABLE default.zipped');
  });
});

it('data for a statement that accepts none is rejected, not run', async () => {
  const body = Buffer.from('(1)\n\nCREATE TABLE default.smuggled (n UInt8) ENGINE = Memory');
  for (const query of [
    'INSERT INTO default.bytes VALUES',
    'SELECT 1',
    "INSERT INTO FUNCTION null('n UInt8') VALUES",
  ]) {
    expect((await engineRequest(engine.target, { query: { query }, body })).status).toBe(501);
  }
  expect(await clickhouse.query('EXISTS TABLE default.smuggled')).toEqual([{ result: 0 }]);
});

describe('stopping', () => {
  it('a caller that aborts frees the engine', async () => {
    const controller = new AbortController();
    const call = clickhouse.query(ENDLESS, { tag: 'gone:1', signal: controller.signal });
    await vi.waitUntil(async () => (await clickhouse.running('gone:')) === 1);
    const reason = new Error('the caller left');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await vi.waitUntil(async () => (await clickhouse.running('gone:')) === 0);
    expect(
      await clickhouse.query(
        "SELECT query FROM system.processes WHERE query LIKE '%sipHash64%' AND NOT query LIKE '%processes%'",
      ),
    ).toEqual([]);
  });

  it('also one that disconnects before the engine has started', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        expect(clickhouse.query(ENDLESS, { tag: 'brief', timeoutMs: n })).rejects.toBeInstanceOf(
          ClickHouseError,
        ),
      ),
    );
    await vi.waitUntil(async () => (await clickhouse.running('brief')) === 0);
  });

  it('leaving a stream early frees the engine', async () => {
    for await (const part of await clickhouse.stream('SELECT number FROM numbers(1000000000000)', {
      tag: 'left',
    })) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    await vi.waitUntil(async () => (await clickhouse.running('left')) === 0);
  });

  it('a time limit is an unavailable store', async () => {
    expect(await failureOf(clickhouse.query(ENDLESS, { timeoutMs: 100 }))).toMatchObject({
      code: 'unavailable',
      exceptionCode: undefined,
    });
  });

  it('finds no query by an empty tag, or by one with special characters', async () => {
    for (const tag of ['', 'a b', "it's", 'a\\b']) {
      expect(await failureOf(clickhouse.kill(tag))).toMatchObject({ code: 'query' });
      expect(await failureOf(clickhouse.running(tag))).toMatchObject({ code: 'query' });
    }
  });

  it('the statements that find and kill mean the same to the engine and to the front', async () => {
    const killed = failureOf(clickhouse.query(ENDLESS, { tag: 'direct:1' }));
    await vi.waitUntil(async () => (await clickhouse.running('direct:')) === 1);
    // The engine process adds its own scope before the tag; an extra space bypasses the special treatment of these
    // statements.
    const found = COUNT_RUNNING.replace('startsWith(', ' endsWith(');
    const params = { tag: 'direct:1' };
    await vi.waitUntil(
      async () => (await clickhouse.query<{ running: string }>(found, { params }))[0]?.running === '1',
    );
    await clickhouse.command(KILL_RUNNING.replace('startsWith(', ' endsWith('), { params });
    expect(await killed).toMatchObject({ exceptionCode: 394 });
  });

  it('kill ends the queries of a tag and no other', async () => {
    const killed = failureOf(clickhouse.query(ENDLESS, { tag: 'batch:7' }));
    const controller = new AbortController();
    const other = clickhouse
      .query(ENDLESS, { tag: 'batch:8', signal: controller.signal })
      .catch(() => 'aborted');
    await vi.waitUntil(async () => (await clickhouse.running('batch:')) === 2);
    await clickhouse.kill('batch:7');
    expect(await killed).toMatchObject({ exceptionCode: 394, code: 'unavailable' });
    expect(await clickhouse.running('batch:')).toBe(1);
    controller.abort();
    expect(await other).toBe('aborted');
  });

  it('after kill an abandoned insert is stored or not, and stays so', async () => {
    await clickhouse.command('CREATE TABLE default.abandoned (n UInt64) ENGINE = MergeTree ORDER BY n');
    const body = [Buffer.from(new BigUint64Array(1_000_000).map((_, n) => BigInt(n)).buffer)];
    for (const patience of [0, 1, 3, 10, 30, 100]) {
      await clickhouse
        .insertRaw('INSERT INTO default.abandoned FORMAT RowBinary', body, {
          tag: 'insert',
          timeoutMs: patience,
        })
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
      await clickhouse.kill('insert');
      const count = 'SELECT count() AS n, count() % 1000000 AS part FROM default.abandoned';
      const after = await clickhouse.query(count);
      expect(after).toMatchObject([{ part: 0 }]);
      expect(await clickhouse.query(count)).toEqual(after);
    }
    await clickhouse.command('DROP TABLE default.abandoned');
  });
});

it('a request without the password of this start is rejected', async () => {
  const target = { ...engine.target, admin: { username: 'admin', password: 'guess' } };
  const stranger = connectClickHouse(target);
  expect(await failureOf(stranger.query('SELECT 1'))).toMatchObject({
    exceptionCode: 516,
    code: 'unavailable',
  });
  await stranger.close();
});

describe('a server behind a network', () => {
  let proxy: Server;
  let server: ClickHouse;
  const links = new Set<Socket>();

  beforeAll(async () => {
    proxy = createServer((near) => {
      const far = connect(engine.target.socketPath);
      links.add(far).add(near);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    server = connectClickHouse({ url: `http://127.0.0.1:${port}`, ...engine.target.admin });
  });

  afterAll(async () => {
    await server?.close();
    for (const link of links) link.destroy();
    proxy?.close();
  });

  it('is used by its URL in the same way', async () => {
    await server.command('CREATE TABLE default.far (n UInt8) ENGINE = Memory');
    expect(await server.insertRaw('INSERT INTO default.far FORMAT RowBinary', [Buffer.from([7])])).toEqual({
      writtenRows: 1,
    });
    expect(await server.query('SELECT n FROM default.far')).toEqual([{ n: 7 }]);
    await server.command('DROP TABLE default.far');
    expect(() => connectReader({ url: 'http://127.0.0.1:1' })).toThrow(ClickHouseError);
  });

  it('is unavailable if it disconnects during its answer, or does not answer at all', async () => {
    const answer = await server.stream('SELECT number FROM numbers(1000000000000)', { tag: 'cut' });
    const broken = await failureOf(
      (async () => {
        for await (const part of answer) if (part.length > 0) for (const link of links) link.destroy();
      })(),
    );
    expect(broken).toMatchObject({ code: 'unavailable', exceptionCode: undefined });
    await vi.waitUntil(async () => (await clickhouse.running('cut')) === 0);
    const nowhere = connectClickHouse({ url: 'http://127.0.0.1:1' });
    expect(await nowhere.ping()).toBe(false);
    expect(await failureOf(nowhere.command('SELECT 1'))).toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    await nowhere.close();
  });
});
