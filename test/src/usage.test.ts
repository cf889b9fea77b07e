/** One usage record for each request on every surface, whatever became of it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp } from './harness/mcp-client.js';
import { type UsageLine, usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

const ENDLESS = 'SELECT sum(sipHash64(number)) FROM numbers(90000000000)';
const EVENT = { event: 'e', timestamp: Date.now() };

let weir: WeirProcess;

beforeAll(async () => {
  weir = new WeirProcess({ WEIR_USAGE_SINKS: 'file,rollup', WEIR_NODE_ID: 'node-7' });
  await weir.start();
  await waitUntil('queries', () => weir.answers('/readyz?for=query'));
});
afterAll(async () => await weir?.dispose());

/** The records of a request, once there are some; the engine's shares last. */
async function recordsOf(rid: string): Promise<UsageLine[]> {
  const found = await waitUntil(`the record of ${rid}`, () => {
    const lines = usageFile(weir).filter((line) => line.rid === rid);
    return lines.some(({ src }) => src !== 'compute') ? lines : null;
  });
  return found.toSorted((a, b) => Number(a.src === 'compute') - Number(b.src === 'compute'));
}

async function recordOf(rid: string): Promise<UsageLine> {
  const [record, ...others] = (await recordsOf(rid)).filter(({ src }) => src !== 'compute');
  expect(others).toEqual([]);
  if (record === undefined) throw new Error('no record');
  return record;
}

interface Sent {
  readonly rid: string;
  readonly status: number;
  readonly text: string;
}

async function send(
  method: string,
  path: string,
  credential: string | null,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const rid = randomUUID();
  const { status, text } = await weir.request(method, path, {
    headers: {
      'x-request-id': rid,
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { rid, status, text };
}

const INGEST = '/api/v1/ingest/events';
const ask = (sql: string, format?: string) =>
  send('POST', `/api/v1/projects/${weir.project}/query`, weir.key, { sql, format });

describe('each request', () => {
  it('of ingest: accepted, repeated, refused, unauthorized, asked for by a page', async () => {
    const event_id = randomUUID();
    const events = [{ ...EVENT, event_id }, EVENT, EVENT, { event: '' }];
    const accepted = await send('POST', INGEST, weir.token, { events });
    const repeated = await send('POST', INGEST, weir.token, { events: [{ ...EVENT, event_id }] });
    const empty = await send('POST', INGEST, weir.token, { events: [] });
    const broken = await send('POST', INGEST, weir.token, 'no JSON');
    const unknown = await send('POST', INGEST, 'weir_pub_0', { events });
    const preflight = await send('OPTIONS', INGEST, null, undefined, { origin: 'https://a.example' });
    const known = { tenant: weir.project, src: 'http', stack: `ingest:POST ${INGEST}`, billable: true };
    expect(await recordOf(accepted.rid)).toMatchObject({
      ...known,
      status: 'ok',
      http_status: 202,
      fuel: 13,
      principal: expect.stringMatching(/^[0-9a-f-]{36}$/),
      node_id: 'node-7',
      version: 1,
    });
    expect(await recordOf(repeated.rid)).toMatchObject({ ...known, http_status: 202, fuel: 10 });
    expect(await recordOf(empty.rid)).toMatchObject({ ...known, status: 'ok', http_status: 200, fuel: 10 });
    expect(await recordOf(broken.rid)).toMatchObject({ ...known, status: 'error', http_status: 400 });
    const nobody = await recordOf(unknown.rid);
    expect(nobody).toMatchObject({ tenant: '_sys', http_status: 401, status: 'error', billable: false });
    expect(nobody).not.toHaveProperty('principal');
    expect(await recordOf(preflight.rid)).toMatchObject({
      tenant: '_sys',
      http_status: 204,
      stack: `ingest:OPTIONS ${INGEST}`,
    });
  });

  it('of a query, with the engine’s share', async () => {
    const good = await ask('SELECT count() FROM events');
    const bad = await ask('SELECT nonsense');
    const [record, compute, ...others] = await recordsOf(good.rid);
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      tenant: weir.project,
      stack: 'query:POST /api/v1/projects/:id/query',
      status: 'ok',
      http_status: 200,
      billable: true,
    });
    expect(compute).toMatchObject({ src: 'compute', parent: record?.id, billable: false, status: 'ok' });
    expect(compute).not.toHaveProperty('http_status');
    expect(compute).not.toHaveProperty('fuel');
    expect(record?.fuel).toBeGreaterThanOrEqual(10 + Math.floor((compute?.duration_ms ?? 0) * 0.5));
    expect(await recordOf(bad.rid)).toMatchObject({ status: 'error', http_status: 400, billable: true });
  });

  it('of work that takes memory and rows: both by the engine’s own account', async () => {
    const heavy = await ask('SELECT uniqExact(number), max(number) FROM numbers(4000000)');
    expect(heavy.status).toBe(200);
    const [record, compute] = await recordsOf(heavy.rid);
    expect(compute?.mem_bytes).toBeGreaterThan(50 * 2 ** 20);
    // Of 4 million rows and the engine's time.
    expect(record?.fuel).toBeGreaterThan(10 + 38);
  });

  it('of MCP: calls, a refused one, none', async () => {
    const call = (id: string, name: string, args = {}) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    });
    const headers = { accept: 'application/json, text/event-stream' };
    const good = await send('POST', '/mcp', weir.key, call('1', 'schema'), headers);
    const failed = await send('POST', '/mcp', weir.key, call('1', 'query', { sql: 'DROP TABLE x' }), headers);
    const list = await send(
      'POST',
      '/mcp',
      weir.key,
      { jsonrpc: '2.0', id: '1', method: 'tools/list' },
      headers,
    );
    expect([good.status, failed.status, list.status]).toEqual([200, 200, 200]);
    const known = {
      tenant: weir.project,
      src: 'mcp',
      stack: 'mcp:POST /mcp',
      http_status: 200,
      billable: true,
    };
    expect(await recordOf(good.rid)).toMatchObject({ ...known, status: 'ok', fuel: 35 });
    expect(await recordOf(failed.rid)).toMatchObject({ ...known, status: 'error', fuel: 35 });
    expect(await recordOf(list.rid)).toMatchObject({ ...known, status: 'ok', fuel: 10 });
  });

  it('of an official MCP client', async () => {
    const before = usageFile(weir).length;
    const client = await connectMcp('2026-07-28', 'http', {
      url: weir.url,
      key: weir.key,
      home: weir.dataDir,
    });
    await client.call('query', { sql: 'SELECT 1' });
    await client.close();
    await waitUntil('the call', () =>
      usageFile(weir)
        .slice(before)
        .some(({ src, fuel = 0 }) => src === 'mcp' && fuel >= 35),
    );
  });

  it('of nobody’s: health, unknown paths, broken ones, wrong methods, the operator’s', async () => {
    const health = await send('GET', '/healthz', null);
    const unknown = await send('GET', '/no/such/path', null);
    const broken = await send('GET', '/%zz', null);
    const method = await send('DELETE', `/api/v1/projects/${weir.project}/query`, weir.key);
    const operator = await send('GET', '/api/v1/admin/projects', weir.operatorKey);
    const other = await send('POST', `/api/v1/projects/${randomUUID()}/query`, weir.key, { sql: 'SELECT 1' });
    const nobody = { tenant: '_sys', billable: false };
    expect(await recordOf(health.rid)).toMatchObject({
      ...nobody,
      stack: 'system:GET /healthz',
      status: 'ok',
    });
    expect(await recordOf(unknown.rid)).toMatchObject({
      ...nobody,
      stack: 'system:GET unrouted',
      http_status: 404,
    });
    expect(JSON.parse(broken.text)).toMatchObject({ code: 'invalid_request', request_id: broken.rid });
    expect(await recordOf(broken.rid)).toMatchObject({
      ...nobody,
      stack: 'system:GET unrouted',
      http_status: 400,
    });
    expect(await recordOf(method.rid)).toMatchObject({ ...nobody, http_status: 405 });
    expect(await recordOf(operator.rid)).toMatchObject({ ...nobody, principal: 'operator', status: 'ok' });
    // Whose key it was is known, whatever it asked for.
    expect(await recordOf(other.rid)).toMatchObject({
      tenant: weir.project,
      http_status: 404,
      status: 'error',
    });
  });

  it('that the gate refused: with its reason, nothing billed', async () => {
    const tenant = `/tenants/${weir.project}`;
    await weir.operator('PUT', tenant, { suspended: true, deny_status: 402 });
    const suspended = await Promise.all([
      send('POST', INGEST, weir.token, { events: [EVENT] }),
      ask('SELECT 1'),
      send(
        'POST',
        '/mcp',
        weir.key,
        { jsonrpc: '2.0', id: '1', method: 'tools/call', params: { name: 'schema', arguments: {} } },
        { accept: 'application/json, text/event-stream' },
      ),
    ]);
    await weir.operator('PUT', tenant, { suspended: false, rate_limit_rps: 0.001, rate_burst: 1 });
    await ask('SELECT 1');
    const limited = await ask('SELECT 1');
    await weir.operator('PUT', tenant, { rate_limit_rps: 0, rate_burst: 0 });
    for (const { rid } of suspended) {
      const record = await recordOf(rid);
      expect(record).toMatchObject({
        tenant: weir.project,
        admission_denied: true,
        admission_reason: 'payment_required',
        status: 'error',
        billable: false,
      });
      expect(record).not.toHaveProperty('fuel');
    }
    expect(await recordOf(limited.rid)).toMatchObject({ http_status: 429, admission_reason: 'rate_limited' });
  });

  it('that ingest refused with 503 while its kill switch is on: nothing billed', async () => {
    await weir.operator('PUT', '/ingest', { disabled: true });
    const refused = await send('POST', INGEST, weir.token, { events: [EVENT] });
    await weir.operator('PUT', '/ingest', { disabled: false });
    const record = await recordOf(refused.rid);
    expect(record).toMatchObject({ http_status: 503, status: 'error', billable: false });
    expect(record).not.toHaveProperty('fuel');
    expect(record).not.toHaveProperty('admission_denied');
  });
});

describe('bytes', () => {
  it('are those on the wire, of one request after the other on a connection and of several at once', async () => {
    const socket = await open();
    const requests = ['a', 'b', 'c'].map((name) => {
      const body = JSON.stringify({ events: [{ ...EVENT, properties: { text: name.repeat(1000) } }] });
      const rid = randomUUID();
      return { rid, text: postOf(rid, body) };
    });
    const [first, second, third] = requests;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three requests');
    const answers: number[] = [];
    for (const { text } of [first, second]) {
      socket.write(text);
      answers.push((await answerFrom(socket)).length);
    }
    expect(await recordOf(first.rid)).toMatchObject({ bytes_in: first.text.length, bytes_out: answers[0] });
    expect(await recordOf(second.rid)).toMatchObject({ bytes_in: second.text.length, bytes_out: answers[1] });
    // In company: what is exact is their sum.
    const fourth = { rid: randomUUID(), text: '' };
    fourth.text = postOf(fourth.rid, JSON.stringify({ events: [] }));
    let received = 0;
    socket.on('data', (data: Buffer) => {
      received += data.length;
    });
    socket.write(third.text + fourth.text);
    const [one, other] = [await recordOf(third.rid), await recordOf(fourth.rid)];
    expect(one.bytes_in + other.bytes_in).toBe(third.text.length + fourth.text.length);
    expect(one.bytes_out + other.bytes_out).toBe(received);
    socket.destroy();
  });

  it('of a stream are counted to its end', async () => {
    const rid = randomUUID();
    const socket = await open();
    const body = JSON.stringify({
      sql: 'SELECT number, randomPrintableASCII(200) FROM numbers(50000)',
      format: 'csv',
    });
    socket.write(requestOf('POST', `/api/v1/projects/${weir.project}/query`, weir.key, rid, body, 'close'));
    let received = 0;
    socket.on('data', (data: Buffer) => {
      received += data.length;
    });
    await once(socket, 'end');
    expect(received).toBeGreaterThan(10_000_000);
    expect(await recordOf(rid)).toMatchObject({ status: 'ok', http_status: 200, bytes_out: received });
  });
});

describe('a client that leaves', () => {
  it('in the middle of a stream: an error, with the bytes it was sent, when the engine has let go', async () => {
    const rid = randomUUID();
    const socket = await open();
    const body = JSON.stringify({ sql: 'SELECT number FROM numbers(5000000000)', format: 'ndjson' });
    socket.write(requestOf('POST', `/api/v1/projects/${weir.project}/query`, weir.key, rid, body));
    let received = 0;
    socket.on('data', (data: Buffer) => {
      received += data.length;
      if (received > 1_000_000) socket.destroy();
    });
    await once(socket, 'close');
    const [record, compute] = await recordsOf(rid);
    expect(record).toMatchObject({ status: 'error', http_status: 200, billable: true });
    expect(record?.bytes_out).toBeGreaterThanOrEqual(received);
    expect(compute).toMatchObject({ src: 'compute', status: 'error', parent: record?.id });
    expect(record?.fuel).toBeGreaterThan(10);
  });

  it('before there is an answer: an error without a status', async () => {
    const rid = randomUUID();
    const socket = await open();
    const path = `/api/v1/projects/${weir.project}/query`;
    const sent = Date.now();
    socket.write(requestOf('POST', path, weir.key, rid, JSON.stringify({ sql: ENDLESS })));
    // Long enough for the engine to have begun: how long it worked is what is looked at.
    await waitUntil('some work', () => Date.now() > sent + 500);
    socket.destroy();
    const [record, compute] = await recordsOf(rid);
    expect(record).toMatchObject({ status: 'error', billable: true });
    expect(record).not.toHaveProperty('http_status');
    expect(compute).toMatchObject({ status: 'error' });
    expect(record?.fuel).toBeGreaterThan(100);
  });

  it('in the middle of its own body', async () => {
    const rid = randomUUID();
    const socket = await open();
    const text = requestOf('POST', INGEST, weir.token, rid, 'x'.repeat(10_000));
    await new Promise((resolve) => socket.end(text.slice(0, 5_000), () => resolve(null)));
    const record = await recordOf(rid);
    expect(record).toMatchObject({ tenant: weir.project, status: 'error', bytes_in: 5_000 });
    expect(record).not.toHaveProperty('http_status');
  });
});

describe('a client that closes a stream without an end', () => {
  it.each([
    ['the feed', () => `/api/v1/projects/${weir.project}/feed?after=earliest`],
    ['a named stream', () => '/v1/stream/open-ended?offset=-1&live=sse'],
  ])('has read all of its answer: %s', async (_name, path) => {
    await send('PUT', '/v1/stream/open-ended', weir.key);
    const rid = randomUUID();
    const socket = await open();
    socket.write(requestOf('GET', path(), weir.key, rid, ''));
    await once(socket, 'data');
    socket.destroy();
    expect(await recordOf(rid)).toMatchObject({ status: 'ok', http_status: 200, billable: true });
  });
});

describe('totals', () => {
  const usage = async (search: string, key = weir.key) =>
    await send('GET', `/api/v1/projects/${weir.project}/usage${search}`, key);

  it('are those of the records', async () => {
    const lines = () => usageFile(weir).filter(({ tenant }) => tenant === weir.project);
    await waitUntil('the totals', async () => {
      const { text } = await usage('?group_by=src');
      const { usage: rows } = JSON.parse(text) as {
        usage: { src: string; [figure: string]: number | string }[];
      };
      const [all] = (JSON.parse((await usage('')).text) as { usage: { [figure: string]: number }[] }).usage;
      const records = lines();
      // Each question about usage is a request itself, of which the answer cannot tell.
      const settled = records.filter(({ stack }) => !stack.endsWith('/usage'));
      const others = records.length - settled.length;
      const requests = settled.filter(({ src }) => src !== 'compute');
      const sum = (list: UsageLine[], figure: 'fuel' | 'bytes_out') =>
        list.reduce((total, line) => total + (line[figure] ?? 0), 0);
      const counted = rows
        .filter(({ src }) => src !== 'compute')
        .reduce((n, row) => n + Number(row.requests), 0);
      const computed = rows.find(({ src }) => src === 'compute');
      return (
        others > 2 &&
        counted >= requests.length &&
        counted <= records.length &&
        computed?.requests === settled.length - requests.length &&
        Number(all?.fuel) >= sum(requests, 'fuel') &&
        Number(all?.fuel) <= sum(records, 'fuel') &&
        Number(all?.events) === eventsOf(requests) &&
        Number(all?.denied) === requests.filter(({ admission_denied }) => admission_denied).length
      );
    });
  });

  it('are grouped as asked, in whole hours', async () => {
    const { status, text } = await usage(
      '?from=2026-01-01T10:20:00%2B02:00&to=2026-06-01&group_by=day,stack',
    );
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      project_id: weir.project,
      from: '2026-01-01T08:00:00.000Z',
      to: '2026-06-01T00:00:00.000Z',
      group_by: ['day', 'stack'],
      usage: [],
    });
  });

  it.each([
    ['?group_by=user', 400],
    ['?from=yesterday', 400],
    ['?from=2026-02-01&to=2026-01-01', 400],
    ['?from=2020-01-01', 400],
    ['?to=9999-12-31T23:30:00Z', 400],
    ['?from=0000-01-01&to=0000-02-01', 400],
    ['?frm=2026-01-01', 400],
  ])('of %s: %d, with what is wrong', async (search, status) => {
    const answer = await usage(search);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'invalid_request' });
  });

  it('are the project’s own, and the operator’s', async () => {
    expect((await usage('', weir.token)).status).toBe(401);
    expect((await send('GET', `/api/v1/projects/${randomUUID()}/usage`, weir.key)).status).toBe(404);
    const all = await weir.operator('GET', '/tenants/_sys/usage');
    expect(all).toMatchObject({ status: 200, body: { usage: [{ billable_fuel: 0 }] } });
    for (const nobody of [randomUUID(), 'nobody', '%00']) {
      expect((await weir.operator('GET', `/tenants/${nobody}/usage`)).status).toBe(404);
    }
  });

  it('tell a project its memory in whole 16 MiB, as its queries do, and show what it owes for while it is suspended', async () => {
    await ask('SELECT uniqExact(number) FROM numbers(4000000)');
    const own = await waitUntil('the engine’s share', async () => {
      const { text } = await usage('');
      const [row] = (JSON.parse(text) as { usage: { max_mem_bytes: number }[] }).usage;
      return row !== undefined && row.max_mem_bytes > 0 ? row.max_mem_bytes : null;
    });
    expect(own % (16 * 2 ** 20)).toBe(0);
    await weir.operator('PUT', `/tenants/${weir.project}`, { suspended: true, deny_status: 402 });
    expect((await usage('')).status).toBe(200);
    await weir.operator('PUT', `/tenants/${weir.project}`, { suspended: false });
  });
});

it('a request whose body is still on its way when the server stops is denied as draining', async () => {
  const rid = randomUUID();
  const body = JSON.stringify({ events: [EVENT] });
  const socket = await open();
  const head = `POST ${INGEST} HTTP/1.1\r\nhost: localhost\r\nx-request-id: ${rid}\r\nauthorization: Bearer ${weir.token}\r\n`;
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  // The next request is answered after the head above was read.
  expect((await weir.request('GET', '/livez')).status).toBe(200);
  weir.signal('SIGTERM');
  await waitUntil('the server to stop listening', async () => !(await weir.answers('/livez')));
  socket.write(body.slice(5));
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"draining"/);
  await weir.exited();
  const record = await recordOf(rid);
  expect(record).toMatchObject({
    tenant: weir.project,
    http_status: 503,
    admission_denied: true,
    admission_reason: 'draining',
    billable: false,
  });
  expect(record).not.toHaveProperty('fuel');
});

it('a server without sinks of its own has no totals, and one that is switched off no records', async () => {
  const off = new WeirProcess({ WEIR_USAGE_ENABLED: 'false', WEIR_USAGE_SINKS: 'file,rollup' });
  try {
    await off.start();
    await off.send({ events: [EVENT] });
    const { status, text } = await off.request('GET', `/api/v1/projects/${off.project}/usage`, {
      headers: { authorization: `Bearer ${off.key}` },
    });
    expect([status, JSON.parse(text)]).toMatchObject([404, { code: 'usage_disabled' }]);
    expect(await off.health()).toMatchObject({ usage_dropped: 0, usage_sinks: [] });
    await off.stop();
    expect(() => usageFile(off)).toThrow('ENOENT');
  } finally {
    await off.dispose();
  }
});

it('a start with a sink that does not exist says which there are', async () => {
  const wrong = new WeirProcess({ WEIR_USAGE_SINKS: 'log,kafka' });
  try {
    await expect(wrong.start()).rejects.toThrow(/kafka.*log, rollup, file, clickhouse, http/s);
  } finally {
    await wrong.dispose();
  }
});

async function open(): Promise<Socket> {
  const socket = connect(weir.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function requestOf(
  method: string,
  path: string,
  credential: string,
  rid: string,
  body: string,
  connection = 'keep-alive',
): string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${credential}`,
    `x-request-id: ${rid}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `connection: ${connection}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function postOf(rid: string, body: string): string {
  return requestOf('POST', INGEST, weir.token, rid, body);
}

/** Events that ingest requests brought: their fuel without that of the requests. */
function eventsOf(records: readonly UsageLine[]): number {
  return records
    .filter(({ stack, fuel }) => stack === `ingest:POST ${INGEST}` && fuel !== undefined)
    .reduce((sum, { fuel = 0 }) => sum + fuel - 10, 0);
}

/** A small answer, whole. */
async function answerFrom(socket: Socket): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const [data] = (await once(socket, 'data')) as Buffer[];
    bytes = Buffer.concat([bytes, data ?? Buffer.alloc(0)]);
    const text = bytes.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
    if (head >= 0 && bytes.length >= head + 4 + length) return bytes;
  }
}
