/** The query surface over HTTP, as docs/api.md promises it. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
const ENDLESS = 'SELECT sum(sipHash64(number)) FROM numbers(90000000000)';
const TIMESTAMP = '2026-11-20T10:00:00.000Z';

beforeAll(async () => {
  weir = await new WeirProcess({
    WEIR_QUERY_MAX_EXECUTION_TIME: '3s',
    WEIR_QUERY_MAX_CONCURRENCY: '2',
    WEIR_QUERY_QUEUE: '1',
    WEIR_QUERY_QUEUE_WAIT: '500ms',
    WEIR_QUERY_MAX_MEMORY: '200MiB',
    WEIR_QUERY_MAX_RESULT_ROWS: '1000',
    WEIR_QUERY_MAX_RESULT_BYTES: '8MiB',
  }).start();
  await waitUntil('all stores', () => weir.answers('/readyz?for=query'));
  const event = (event: string, properties: object) => ({
    event,
    timestamp: TIMESTAMP,
    user_id: 'u1',
    properties,
  });
  await weir.send({
    events: [
      event('signup', { plan: 'pro', seats: 3, tags: ['a'] }),
      event('signup', { plan: 'free', seats: 1.5, trial: true, nothing: null }),
      event('login', {}),
    ],
  });
  await weir.settled();
});

afterAll(async () => {
  await weir?.dispose();
});

interface Asked {
  readonly body?: unknown;
  readonly key?: string | null;
  readonly project?: string;
  readonly accept?: string;
}

const headersOf = ({ key = weir.key, accept }: Asked): Record<string, string> => ({
  'content-type': 'application/json',
  ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  ...(accept === undefined ? {} : { accept }),
});

async function post(asked: Asked) {
  const { project = weir.project } = asked;
  const body =
    typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body ?? { sql: 'SELECT 1' });
  const { status, headers, text } = await weir.request('POST', `/api/v1/projects/${project}/query`, {
    headers: headersOf(asked),
    body,
  });
  const isJson = /^application\/(problem\+)?json\b/.test(headers.get('content-type') ?? '');
  return { status, headers, text, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

const ask = (sql: string, params?: Record<string, unknown>) =>
  post({ body: { sql, ...(params && { params }) } });

async function get(path: string, asked: Asked = {}) {
  const { status, text } = await weir.request('GET', path, { headers: headersOf(asked) });
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

describe('an answer', () => {
  it('has columns with their types, rows and stats', async () => {
    const { status, json } = await ask('SELECT event, count() AS n FROM events GROUP BY event ORDER BY n');
    expect(status).toBe(200);
    expect(json).toEqual({
      columns: [
        { name: 'event', type: 'String' },
        { name: 'n', type: 'UInt64' },
      ],
      rows: [
        ['login', '1'],
        ['signup', '2'],
      ],
      stats: {
        rows: 2,
        elapsed_ms: expect.any(Number),
        rows_read: null,
        bytes_read: null,
        memory_bytes: expect.toSatisfy((bytes) => bytes === null || bytes % 2 ** 24 === 0),
      },
      truncated: false,
    });
  });

  it('is exact where JSON numbers are not', async () => {
    const { json } =
      await ask(`SELECT 9007199254740993::UInt64, -1::Int128, toDecimal64('0.1', 3), nan, inf, 7::Int32,
      toDateTime64('2026-11-21 10:00:00.123', 3, 'UTC'), toDate('2026-11-21'), [18446744073709551615], map('k', 5::UInt64)`);
    expect(json.rows).toEqual([
      [
        '9007199254740993',
        '-1',
        '0.1',
        null,
        null,
        7,
        '2026-11-21T10:00:00.123Z',
        '2026-11-21',
        ['18446744073709551615'],
        { k: '5' },
      ],
    ]);
  });

  it('binds parameters as what they are, whatever is in them', async () => {
    const text = "'); DROP TABLE events; -- \\ \n\t\u0001 ünï";
    const sql = 'SELECT {text:String}, {n:UInt8} + 1, {list:Array(String)}, {gone:Nullable(String)}';
    const { json } = await ask(sql, { text, n: 41, list: ['a', "b'c"], gone: null });
    expect(json.rows).toEqual([[text, 42, ['a', "b'c"], null]]);
    expect((await ask('SELECT {n:UInt8}', { n: 'many' })).json).toMatchObject({ status: 400 });
    expect((await ask('SELECT {n:UInt8}')).json).toMatchObject({ status: 400 });
    const [long, ids] = ['x'.repeat(200_000), Array.from({ length: 5_000 }, (_, i) => `id-${i}`)];
    expect((await ask('SELECT length({long:String})', { long })).json.rows).toEqual([['200000']]);
    expect((await ask('SELECT length({ids:Array(String)})', { ids })).json.rows).toEqual([['5000']]);
    expect((await ask('SELECT {long:String}', { long: long + long })).json.code).toBe('query_too_large');
    expect((await ask('SELECT 1', { 'a b': 1 })).json).toMatchObject({ code: 'invalid_request' });
  });

  it('is cut off, not refused, where there are more rows than may be given', async () => {
    const { status, json } = await ask('SELECT number FROM numbers(1000000000)');
    expect([status, json.truncated]).toEqual([200, true]);
    expect(json.rows).toHaveLength(1_000);
    expect((await ask('SELECT number FROM numbers(1000)')).json.truncated).toBe(false);
  });

  it('knows who did it, however the question asks for them', async () => {
    const people = "SELECT 'u1' AS distinct_id";
    expect((await ask(`SELECT count() FROM events NATURAL JOIN (${people}) AS b`)).json.rows).toEqual([
      ['3'],
    ]);
    expect(
      (await ask(`SELECT count() FROM events JOIN (${people}) AS b USING (distinct_id)`)).json.rows,
    ).toEqual([['3']]);
    const counts = 'SELECT count(), countIf(timestamp > {since:DateTime}) FROM events';
    expect((await ask(counts, { since: '2026-11-20 00:00:00' })).json.rows).toEqual([['3', '3']]);
  });

  it('describes tables and explains what a query means', async () => {
    const described = await ask('DESCRIBE events');
    expect(described.json.rows).toContainEqual(expect.arrayContaining(['timestamp', "DateTime64(3, 'UTC')"]));
    const explained = await ask(
      'EXPLAIN SYNTAX SELECT count() FROM events WHERE event IN {names:Array(String)}',
      {
        names: ['a'],
      },
    );
    expect(JSON.stringify(explained.json.rows)).toContain('FROM');
    expect((await ask('EXPLAIN ESTIMATE SELECT * FROM events')).json.code).toBe('sql_not_allowed');
  });
});

describe('other formats', () => {
  const sql = 'SELECT number AS n, toString(number) AS "a,b" FROM numbers(100000)';

  it.each([
    ['in the body', { body: { sql, format: 'csv' } }],
    ['by Accept', { body: { sql }, accept: 'text/csv;q=0.9, */*;q=0.1' }],
  ])('CSV %s has one header and every row', async (_, asked) => {
    const { status, headers, text } = await post(asked);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('"n","a,b"');
    expect(lines.slice(1)).toEqual(Array.from({ length: 100_000 }, (_, n) => `${n},"${n}"`));
  });

  it('NDJSON has an object a line', async () => {
    const { headers, text } = await post({ body: { sql }, accept: 'application/x-ndjson' });
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(100_000);
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ n: '99999', 'a,b': '99999' });
  });

  it('Parquet is a file other tools read', async () => {
    const response = await fetch(`${weir.url}/api/v1/projects/${weir.project}/query`, {
      method: 'POST',
      headers: headersOf({}),
      body: JSON.stringify({ sql: "SELECT number AS n, 'é' AS s FROM numbers(3)", format: 'parquet' }),
    });
    expect(response.headers.get('content-type')).toBe('application/vnd.apache.parquet');
    const rows = await parquetReadObjects({
      file: await response.arrayBuffer(),
      compressors: { ZSTD: (bytes) => decompress(bytes) },
    });
    expect(rows.map((row) => [Number(row.n), row.s])).toEqual([
      [0, 'é'],
      [1, 'é'],
      [2, 'é'],
    ]);
  });

  it('Arrow is one stream with an end', async () => {
    const { headers, text } = await post({ body: { sql, format: 'arrow' } });
    expect(headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    expect(text.length).toBeGreaterThan(100_000);
  });

  it('Arrow is read by the library of the format, with times and dates as such', async () => {
    const typed = `SELECT toDate(timestamp) AS day, toDate32('1950-01-02') AS d32, timestamp, toStartOfHour(timestamp) AS \`the \`\`hour\`,
      toNullable(toDateTime(timestamp)) AS second, toUInt64(number) AS n, user_id, properties::JSON.plan::String AS plan
      FROM events CROSS JOIN numbers(2) AS numbers WHERE event = 'login' ORDER BY n DESC`;
    const { body } = await fetch(`${weir.url}/api/v1/projects/${weir.project}/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: typed, format: 'arrow' }),
    });
    const table = await tableFromIPC(body as unknown as AsyncIterable<Uint8Array>);
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'day Date32<DAY>',
      'd32 Date32<DAY>',
      'timestamp Timestamp<MILLISECOND, UTC>',
      'the `hour Timestamp<SECOND, UTC>',
      'second Timestamp<SECOND, UTC>',
      'n Uint64',
      'user_id Utf8',
      'plan Utf8',
    ]);
    expect(table.numRows).toBe(2);
    expect(table.get(0)?.toArray()).toMatchObject([
      Date.parse('2026-11-20'),
      Date.parse('1950-01-02'),
      Date.parse(TIMESTAMP),
      Date.parse(TIMESTAMP),
      Date.parse(TIMESTAMP),
      1n,
      'u1',
      '',
    ]);
  });

  it.each([
    ['gzip', (bytes: Buffer) => gunzipSync(bytes)],
    ['br', (bytes: Buffer) => brotliDecompressSync(bytes)],
    ['gzip;q=0.5, br;q=0', (bytes: Buffer) => gunzipSync(bytes)],
    ['identity, *;q=0', (bytes: Buffer) => bytes],
  ])('is compressed for a client that accepts %s, and is a file by its name', async (accepted, unpack) => {
    const ask = async (format: string): Promise<IncomingMessage> => {
      const request = httpRequest(`${weir.url}/api/v1/projects/${weir.project}/query`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${weir.key}`,
          'content-type': 'application/json',
          'accept-encoding': accepted,
        },
      });
      request.end(JSON.stringify({ sql: 'SELECT number, number AS again FROM numbers(1000)', format }));
      return ((await once(request, 'response')) as [IncomingMessage])[0];
    };
    const encoding = accepted.startsWith('identity') ? undefined : accepted.split(';', 1)[0];
    for (const [format, name] of [
      ['json', undefined],
      ['csv', 'weir-query.csv'],
      ['arrow', 'weir-query.arrows'],
    ] as const) {
      const response = await ask(format);
      expect(response.headers['content-encoding']).toBe(encoding);
      expect(response.headers['content-disposition']).toBe(
        name === undefined ? undefined : `attachment; filename="${name}"`,
      );
      expect(response.headers.vary).toContain('Accept-Encoding');
      const bytes = unpack(await buffer(response));
      if (format === 'json') expect(JSON.parse(bytes.toString()).rows).toHaveLength(1_000);
      else expect(bytes.length).toBeGreaterThan(7_000);
    }
    const parquet = await ask('parquet');
    expect(parquet.headers['content-encoding']).toBeUndefined();
    parquet.resume();
  });

  it('CSV has nothing where a value is NULL, and cells as they are', async () => {
    const { text } = await post({
      body: {
        sql: "SELECT NULL AS a, user_id, anonymous_id, '' AS b, '\\\\N' AS c, '=1+1' AS d FROM events LIMIT 1",
        format: 'csv',
      },
    });
    expect(text).toBe('"a","user_id","anonymous_id","b","c","d"\n,"u1",,"","\\N","=1+1"\n');
  });

  it('what fails before its first block is no 200; what fails later breaks off', async () => {
    const early = await post({ body: { sql: 'SELECT throwIf(number = 0) FROM numbers(10)', format: 'csv' } });
    expect([early.status, early.json.code]).toEqual([400, 'query_failed']);
    const response = await fetch(`${weir.url}/api/v1/projects/${weir.project}/query`, {
      method: 'POST',
      headers: headersOf({}),
      body: JSON.stringify({
        sql: 'SELECT throwIf(number = 3000000), number FROM numbers(4000000)',
        format: 'csv',
      }),
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    const tooLong = await fetch(`${weir.url}/api/v1/projects/${weir.project}/query`, {
      method: 'POST',
      headers: headersOf({}),
      body: JSON.stringify({ sql: "SELECT repeat('\\0', 100) FROM numbers(1000000)", format: 'ndjson' }),
    });
    expect(tooLong.status).toBe(200);
    await expect(tooLong.text()).rejects.toThrow();
  });
});

describe('a refusal says what to do', () => {
  it.each([
    [{ sql: '  ' }, 400, 'sql_required'],
    [{}, 400, 'invalid_request'],
    [{ sql: 'SELECT 1', more: 1 }, 400, 'invalid_request'],
    [{ sql: 'SELECT 1', format: 'xml' }, 400, 'invalid_request'],
    ['{', 400, 'invalid_json'],
    [{ sql: 'SELEKT 1' }, 400, 'sql_invalid'],
    [{ sql: 'SELECT count( FROM events' }, 400, 'sql_invalid'],
    [{ sql: 'SELECT * FROM nowhere' }, 400, 'sql_not_allowed'],
    [{ sql: 'SELECT hostName()' }, 400, 'sql_not_allowed'],
    [{ sql: 'SELECT 1 SETTINGS max_threads = 1' }, 400, 'sql_not_allowed'],
    [{ sql: 'SELECT 1; SELECT 2' }, 400, 'sql_invalid'],
    [{ sql: 'SELECT nothing FROM events' }, 400, 'query_failed'],
    [{ sql: `SELECT '${'x'.repeat(300_000)}'` }, 400, 'query_too_large'],
    [{ sql: 'SELECT groupArray(number) FROM numbers(1000000000)' }, 400, 'query_too_large'],
    [`{"sql":"${'x'.repeat(3_000_000)}"}`, 413, 'body_too_large'],
    [{ sql: ENDLESS }, 408, 'query_timeout'],
  ])('body %# gets its own code', async (body, status, code) => {
    const answer = await post({ body });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(String(answer.json.detail)).not.toMatch(/weir_base|log_comment|DB::Exception|__table/);
  });

  it('names the rule, the identifier and the place', async () => {
    expect((await ask('SELECT * FROM system.processes')).json).toMatchObject({
      rule: 'table',
      identifier: 'system.processes',
      hint: expect.stringContaining('events'),
    });
    expect((await ask('SELECT 1\n  FROM (')).json).toMatchObject({
      code: 'sql_invalid',
      position: { line: 2, column: expect.any(Number), offset: expect.any(Number) },
    });
  });
});

describe('a project’s share', () => {
  it('is so many queries at a time, and a client that leaves gives its place back at once', async () => {
    // Of its own: another test's query that ran out of time may hold a place until the engine lets go.
    const made = await weir.operator('POST', '/projects', { name: 'Share' });
    const { id: project, api_key: key } = made.body as { id: string; api_key: string };
    /** A request whose connection the test can break off. */
    const start = (sql: string) => {
      const request = httpRequest(`${weir.url}/api/v1/projects/${project}/query`, {
        method: 'POST',
        headers: headersOf({ key }),
      });
      request.on('error', () => {});
      request.end(JSON.stringify({ sql }));
      return request;
    };
    const one = async () => (await post({ body: { sql: 'SELECT 1' }, key, project })).status;
    const asked = [start(ENDLESS), start(ENDLESS), start(ENDLESS)];
    const answers = asked.map(async (request) => {
      const [response]: IncomingMessage[] = await once(request, 'response');
      if (response === undefined) throw new Error('no answer');
      return { request, response };
    });
    for (const answer of answers) answer.catch(() => {});
    const refused = await Promise.race(answers);
    expect(refused.response.headers['retry-after']).toBe('1');
    expect(JSON.parse(await text(refused.response))).toMatchObject({
      status: 429,
      code: 'at_capacity',
      limit: 2,
      retry_after_s: 1,
    });
    const [first, second] = asked.filter((request) => request !== refused.request);
    expect(await one()).toBe(429);
    const left = Date.now();
    first?.destroy();
    await waitUntil('a place', async () => (await one()) === 200, 2_000);
    // Long before its time was up, so it was stopped.
    expect(Date.now() - left).toBeLessThan(2_000);
    const last = second === undefined ? undefined : await answers[asked.indexOf(second)];
    expect(last?.response.statusCode).toBe(408);
    last?.response.resume();
  });
});

describe('who may ask', () => {
  const created = async (scopes: string[], expires_at?: string) => {
    const { status, body } = await weir.operator('POST', `/projects/${weir.project}/keys`, {
      name: 'k',
      scopes,
      ...(expires_at === undefined ? {} : { expires_at }),
    });
    expect(status).toBe(201);
    return body as { id: string; api_key: string };
  };

  it('is a key of this project: everything else is unknown in the same words', async () => {
    const other = (await weir.operator('POST', '/projects', { name: 'Other' })).body as {
      id: string;
      api_key: string;
    };
    const refusals = [
      [await post({ key: null }), await post({ key: 'weir_sec_x' }), await post({ key: 'x' })],
      [await post({ key: other.api_key }), await post({ project: 'x' }), await post({ project: '%27%00' })],
    ];
    for (const [i, status] of [401, 404].entries()) {
      const answers = refusals[i] ?? [];
      expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
      const texts = answers.map(({ json }) => JSON.stringify({ ...json, request_id: '' }));
      expect(new Set(texts).size).toBe(1);
    }
    expect((await post({ key: weir.operatorKey })).status).toBe(401);
    expect((await post({ key: other.api_key, project: other.id })).status).toBe(200);
  });

  it('is a key with the scope, not expired, and not for longer than 10 s after its revocation', async () => {
    const { api_key: feedOnly } = await created(['feed']);
    expect((await post({ key: feedOnly })).json).toMatchObject({ status: 403, code: 'insufficient_scope' });
    const { api_key: key, id } = await created(['query']);
    expect((await post({ key })).status).toBe(200);
    await weir.operator('DELETE', `/projects/${weir.project}/keys/${id}`);
    await waitUntil('the revocation', async () => (await post({ key })).status === 401, 10_000);
  });

  it('can ask who they are', async () => {
    const { api_key: key, id } = await created(['feed', 'query'], '2100-01-01T00:00:00.000Z');
    expect(await get('/api/v1/whoami', { key })).toEqual({
      status: 200,
      json: {
        kind: 'api_key',
        project_id: weir.project,
        key_id: id,
        scopes: ['feed', 'query'],
        expires_at: '2100-01-01T00:00:00.000Z',
      },
    });
    expect((await get('/api/v1/whoami', { key: null })).status).toBe(401);
  });
});

describe('the schema', () => {
  it('lists the tables with what their columns mean', async () => {
    const { json } = await get(`/api/v1/projects/${weir.project}/schema`);
    const tables = json.tables as { name: string; description: string; columns: { description: string }[] }[];
    expect(tables.map((table) => table.name)).toEqual(['events', 'persons', 'sessions']);
    for (const table of tables) {
      expect(table.description).not.toBe('');
      for (const column of table.columns) expect(column.description).not.toBe('');
    }
    expect(json).not.toHaveProperty('events');
  });

  it('lists event names and what their properties hold', async () => {
    const { json } = await get(`/api/v1/projects/${weir.project}/schema?properties=1`);
    expect(json.events).toEqual([
      {
        event: 'signup',
        count: 2,
        first_seen: TIMESTAMP,
        last_seen: TIMESTAMP,
        sampled: 2,
        properties: [
          { key: 'plan', types: ['string'], count: 2, examples: ['"free"', '"pro"'] },
          { key: 'seats', types: ['number'], count: 2, examples: ['1.5', '3'] },
          { key: 'nothing', types: ['null'], count: 1, examples: ['null'] },
          { key: 'tags', types: ['array'], count: 1, examples: ['["a"]'] },
          { key: 'trial', types: ['boolean'], count: 1, examples: ['true'] },
        ],
      },
      { event: 'login', count: 1, first_seen: TIMESTAMP, last_seen: TIMESTAMP, sampled: 1, properties: [] },
    ]);
    expect((await get(`/api/v1/projects/${weir.project}/schema?properties=x`)).status).toBe(400);
  });

  it('is for this project’s keys alone', async () => {
    expect((await get(`/api/v1/projects/${weir.project}/schema`, { key: null })).status).toBe(401);
    expect((await get('/api/v1/projects/0/schema')).status).toBe(404);
  });
});
