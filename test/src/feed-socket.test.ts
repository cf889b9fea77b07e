/** The feed over a WebSocket: many streams and groups on one connection, by API key or by ticket. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Refusal, SocketClient } from './harness/socket-client.js';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

/** Within which a right that is lost must have its effect. */
const RIGHTS_MS = 10_000;

let weir: WeirProcess;
let output = '';
const clients: SocketClient[] = [];

beforeAll(async () => {
  weir = new WeirProcess({
    WEIR_USAGE_SINKS: 'file',
    WEIR_LOG_LEVEL: 'trace',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  });
  weir.onOutput = (text) => {
    output += text;
  };
  await weir.start();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => await weir?.dispose());

async function attempt(
  path = '/api/v1/feed',
  headers: Record<string, string> = { authorization: `Bearer ${weir.key}` },
  server = weir,
): Promise<SocketClient | Refusal> {
  const opened = await SocketClient.open(server.url + path, headers);
  if (opened instanceof SocketClient) clients.push(opened);
  return opened;
}

async function open(...args: Parameters<typeof attempt>): Promise<SocketClient> {
  const opened = await attempt(...args);
  if (!(opened instanceof SocketClient)) throw new Error(`refused: ${JSON.stringify(opened)}`);
  return opened;
}

async function send(count: number, event = 'e', more: object = {}, server = weir): Promise<string[]> {
  const timestamp = Date.now();
  const events = Array.from({ length: count }, () => ({ event, event_id: randomUUID(), timestamp, ...more }));
  expect((await server.send({ events })).status).toBe(202);
  return events.map(({ event_id }) => event_id);
}

async function post(path: string, body?: object, key = weir.key) {
  const { status, text } = await weir.request('POST', `/api/v1/projects/${weir.project}/feed${path}`, {
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status, body: JSON.parse(text) as Record<string, unknown> };
}

const ticket = async () => String((await post('/ticket')).body.ticket);

describe('subscriptions', () => {
  it('send what is accepted from now on, filtered, until they are ended; others go on', async () => {
    await send(3);
    const client = await open();
    await client.subscribe('all', { project: weir.project });
    await client.subscribe('some', { event: ['one'] });
    const other = await send(2, 'other', { user_id: 'u1', properties: { n: 1 } });
    const one = await send(2, 'one');
    await waitUntil('all', () => client.idsOf('all').length === 4 && client.idsOf('some').length === 2);
    expect([client.idsOf('all'), client.idsOf('some')]).toEqual([[...other, ...one], one]);
    expect(client.frames.find(({ op, sub }) => op === 'events' && sub === 'all')?.events?.[0]).toEqual({
      cursor: expect.stringMatching(/^[\w-]{14}$/),
      event: expect.objectContaining({ event: 'other', user_id: 'u1', properties: { n: 1 } }),
    });
    // What was filtered out moves the cursor all the same.
    const cursors = client.frames.filter(({ op, sub }) => op === 'events' && sub === 'some');
    expect(cursors[0]).toMatchObject({ events: [], cursor: expect.any(String) });
    client.send({ op: 'unsubscribe', sub: 'all' });
    await client.answer(({ op, sub }) => op === 'done' && sub === 'all');
    await send(1, 'one');
    await waitUntil('the third', () => client.idsOf('some').length === 3);
    expect(client.idsOf('all').length).toBe(4);
    client.send({ op: 'ping' });
    await client.answer(({ op }) => op === 'pong');
  });

  it('go on from a cursor on another connection, through a restart of the server, which says that it goes', async () => {
    const first = await open();
    await first.subscribe('s');
    const before = await send(5, 'resumed');
    await waitUntil('five', () => first.idsOf('s').length === 5);
    const cursor = first.frames.findLast(({ op }) => op === 'events')?.cursor;
    const closed = waitUntil('the end', () => first.closed);
    await weir.stop();
    expect(await closed).toBe(1001);
    await weir.start();
    const after = await send(5, 'resumed');
    const second = await open(`/api/v1/projects/${weir.project}/feed`);
    await second.subscribe('s', { after: cursor });
    await second.subscribe('history', { after: 'earliest', event: ['resumed'] });
    await waitUntil('the rest', () => second.idsOf('history').length === 10);
    await waitUntil('the rest', () => second.idsOf('s').filter((id) => after.includes(id)).length === 5);
    expect(second.idsOf('history')).toEqual([...before, ...after]);
    expect(second.idsOf('s').filter((id) => before.includes(id))).toEqual([]);
  }, 60_000);

  it('are up to 64 of any stream, and wrong frames cost none of them', async () => {
    const client = await open();
    const names = Array.from({ length: 64 }, (_, i) => `s${i}`);
    await Promise.all(names.map((name, i) => client.subscribe(name, i === 0 ? { stream: 'usage' } : {})));
    const refused = async (frame: object | string) => {
      const { length } = client.frames;
      if (typeof frame === 'string') client.socket.send(frame);
      else client.send(frame);
      return await waitUntil('an error', () => client.frames.slice(length).find(({ op }) => op === 'error'));
    };
    expect(await refused({ op: 'subscribe', sub: 'more' })).toMatchObject({
      sub: 'more',
      code: 'too_many_subscriptions',
      limit: 64,
    });
    expect(await refused({ op: 'subscribe', sub: 's1' })).toMatchObject({ code: 'subscription_exists' });
    client.send({ op: 'unsubscribe', sub: 's63' });
    for (const [frame, error] of [
      [
        { op: 'subscribe', sub: 'x', stream: 'channels' },
        { code: 'invalid_request', sub: 'x' },
      ],
      [
        { op: 'subscribe', sub: 'x', after: 'nonsense!' },
        { code: 'invalid_request', sub: 'x' },
      ],
      [
        { op: 'subscribe', sub: 'x', project: randomUUID() },
        { code: 'not_found', sub: 'x' },
      ],
      [
        { op: 'unsubscribe', sub: 'x' },
        { code: 'subscription_not_found', sub: 'x' },
      ],
      [{ op: 'dance' }, { code: 'invalid_request' }],
      ['{', { code: 'invalid_json' }],
      [
        { op: 'pull', id: '1', group: 'nobody' },
        { code: 'group_not_found', id: '1' },
      ],
    ] as const) {
      expect(await refused(frame)).toMatchObject({ ...error, detail: expect.any(String) });
    }
    const sent = await send(3);
    await waitUntil('all', () => names.slice(1, 63).every((name) => client.idsOf(name).length === 3));
    expect(client.idsOf('s62')).toEqual(sent);
    client.socket.send('x'.repeat(1024 * 1024 + 1));
    expect(await waitUntil('the end', () => client.closed)).toBe(1009);
  });

  it('hold a slow reader back instead of filling memory, and it gets everything', async () => {
    const client = await open();
    const note = 'x'.repeat(10_000);
    const resident = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${weir.pid}/status`, 'utf8'))?.[1]);
    for (let i = 0; i < 8; i += 1) await client.subscribe(`s${i}`, { event: ['large'] });
    client.socket.pause();
    const sent: string[] = [];
    for (let i = 0; i < 20; i += 1) sent.push(...(await send(100, 'large', { properties: { note } })));
    const before = resident();
    for (let i = 0; i < 20; i += 1) sent.push(...(await send(100, 'large', { properties: { note } })));
    // 8 × 20 MB are not read by then.
    expect((resident() - before) / 1024).toBeLessThan(120);
    client.socket.resume();
    const all = () =>
      Array.from({ length: 8 }, (_, i) => client.idsOf(`s${i}`)).every(({ length }) => length >= sent.length);
    await waitUntil('everything', all, 60_000);
    for (let i = 0; i < 8; i += 1) expect(client.idsOf(`s${i}`)).toEqual(sent);
  }, 120_000);
});

it('tells of a gap once, and goes on from the oldest that is kept', async () => {
  const small = await new WeirProcess({
    WEIR_FEED_RETENTION_BYTES: '16KiB',
    WEIR_INGEST_FLUSH_INTERVAL: '100ms',
  }).start();
  try {
    const auth = { authorization: `Bearer ${small.key}` };
    const first = await open('/api/v1/feed', auth, small);
    await first.subscribe('s');
    const cursor = first.frames[0]?.cursor;
    const sent = await send(100, 'e', { properties: { note: 'x'.repeat(1_000) } }, small);
    await waitUntil('all of them', () => first.idsOf('s').length === 100);
    const client = await open('/api/v1/feed', auth, small);
    const gap = await waitUntil('retention', async () => {
      const sub = randomUUID();
      await client.subscribe(sub, { after: cursor });
      const found = client.frames.find(
        (frame) => frame.op === 'gap' && frame.sub === sub && Number(frame.missed) > 50,
      );
      // A connection has so many at a time.
      if (found === undefined) client.send({ op: 'unsubscribe', sub });
      return found;
    });
    const sub = String(gap.sub);
    await waitUntil('the rest', () => client.idsOf(sub).length > 0);
    expect(client.idsOf(sub)).toEqual(sent.slice(Number(gap.missed)));
    expect(client.frames.find(({ op, sub: of }) => op === 'ready' && of === sub)?.cursor).toBe(gap.oldest);
  } finally {
    await small.dispose();
  }
}, 90_000);

it('serves members of groups: pulls wait, what is acknowledged is done, what is returned comes again', async () => {
  const [one, two] = [await open(), await open()];
  await weir.request('PUT', `/api/v1/projects/${weir.project}/feed/groups/g`, {
    headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
    body: '{"event":["work"]}',
  });
  const group = 'g';
  const waiting = one.call('pull', 'p1', { group, wait_ms: 20_000 });
  one.send({ op: 'ping' });
  await one.answer(({ op }) => op === 'pong');
  const [id] = await send(1, 'work', { user_id: 'u1' });
  const { op, deliveries } = await waiting;
  const [first] = deliveries as { id: string; attempt: number; event: { event_id: string } }[];
  expect([op, first?.attempt, first?.event.event_id]).toEqual(['deliveries', 1, id]);
  expect(await one.call('extend', 'x1', { group, ids: [first?.id] })).toEqual({
    op: 'done',
    id: 'x1',
    extended: 1,
  });
  expect(await one.call('nack', 'n1', { group, ids: [first?.id] })).toMatchObject({ returned: 1 });
  const again = await two.call('pull', 'p2', { group, wait_ms: 20_000, member: 'm' });
  const [second] = again.deliveries as { id: string; attempt: number; event: { event_id: string } }[];
  expect([second?.attempt, second?.event.event_id]).toEqual([2, id]);
  expect(await two.call('ack', 'a1', { group, ids: [second?.id] })).toMatchObject({ acknowledged: 1 });
  expect(await one.call('pull', 'p3', { group })).toMatchObject({ deliveries: [] });
  for (let i = 0; i < 64; i += 1) one.send({ op: 'pull', id: `w${i}`, group, wait_ms: 20_000 });
  expect(await one.call('pull', 'w64', { group })).toMatchObject({ code: 'too_many_calls', limit: 64 });
});

describe('who may', () => {
  it('needs an API key with the scope, of the project, from an allowed page', async () => {
    const refusals = await Promise.all([
      attempt('/api/v1/feed', {}),
      attempt('/api/v1/feed', { authorization: `Bearer ${weir.token}` }),
      attempt(`/api/v1/projects/${randomUUID()}/feed`),
      attempt('/api/v1/feed', { authorization: `Bearer ${weir.key}`, origin: 'https://evil.example' }),
      attempt('/api/v1/feed?after=latest'),
      attempt('/nowhere'),
    ]);
    expect(refusals).toMatchObject([
      { status: 401, body: { code: 'unauthorized' } },
      { status: 401, body: { code: 'unauthorized' } },
      { status: 404, body: { code: 'not_found' } },
      { status: 403, body: { code: 'origin_not_allowed' } },
      { status: 400, body: { code: 'invalid_request' } },
      { status: 404, body: { code: 'not_found' } },
    ]);
    await open('/api/v1/feed', { authorization: `Bearer ${weir.key}`, origin: 'http://localhost:5173' });
    const { status, text } = await weir.request('GET', '/api/v1/feed');
    expect([status, JSON.parse(text).code]).toEqual([426, 'upgrade_required']);
  });

  it('comes with a ticket once, which is in no log', async () => {
    const { status, body } = await post('/ticket');
    expect([status, body]).toEqual([200, { ticket: expect.stringMatching(/^weir_tkt_/), expires_in: 60 }]);
    const [first, second] = [String(body.ticket), await ticket()];
    const client = await open(`/api/v1/feed?ticket=${first}`, { origin: weir.url });
    await client.subscribe('s');
    const [id] = await send(1);
    await waitUntil('the event', () => client.idsOf('s').includes(id ?? ''));
    expect(await attempt(`/api/v1/feed?ticket=${first}`, {})).toMatchObject({
      status: 401,
      body: { code: 'unauthorized', hint: expect.stringContaining('/feed/ticket') },
    });
    const sse = await fetch(`${weir.url}/api/v1/projects/${weir.project}/feed?ticket=${second}`, {
      headers: { origin: weir.url },
    });
    expect([sse.status, sse.headers.get('access-control-allow-origin')]).toEqual([200, weir.url]);
    await sse.body?.cancel();
    // A ticket must not create another ticket; otherwise access would never expire.
    const { status: refused } = await weir.request(
      'POST',
      `/api/v1/projects/${weir.project}/feed/ticket?ticket=${await ticket()}`,
    );
    expect(refused).toBe(401);
    client.close();
    await waitUntil('the log of it', () => output.includes('"route":"/api/v1/feed"'));
    expect(output).not.toContain('weir_tkt_');
    expect(output).not.toContain(weir.key);
  });
});

it('ends what a revoked key follows within ten seconds, over both, and what its project follows by others not', async () => {
  const keys = `/projects/${weir.project}/keys`;
  const made = await weir.operator('POST', keys, { name: 'page', scopes: ['feed'] });
  const { id, api_key: key } = made.body as { id: string; api_key: string };
  const authorization = `Bearer ${key}`;
  const [revoked, other] = [await open('/api/v1/feed', { authorization }), await open()];
  const sse = await fetch(`${weir.url}/api/v1/projects/${weir.project}/feed`, { headers: { authorization } });
  const ended = sse.text();
  expect((await weir.operator('DELETE', `${keys}/${id}`)).status).toBe(204);
  expect(await waitUntil('the end', () => revoked.closed, RIGHTS_MS)).toBe(1008);
  expect(await ended).toContain('retry: 1000');
  expect(other.closed).toBeNull();
});

it('leaves one usage record a connection, with what it delivered', async () => {
  const rid = randomUUID();
  const client = await open('/api/v1/feed', { authorization: `Bearer ${weir.key}`, 'x-request-id': rid });
  await client.subscribe('s', { event: ['metered'] });
  await send(45, 'metered');
  await waitUntil('them', () => client.idsOf('s').length === 45);
  client.close();
  const record = await waitUntil('the record', () => usageFile(weir).find((one) => one.rid === rid));
  expect(record).toMatchObject({
    tenant: weir.project,
    src: 'ws',
    stack: 'feed:GET /api/v1/feed',
    status: 'ok',
    http_status: 101,
    fuel: 14,
    billable: true,
  });
  expect(record.bytes_out).toBeGreaterThan(45 * 100);
});

it('tells how many follow', async () => {
  const followers = async (): Promise<number> => {
    const { text } = await weir.request('GET', '/metrics');
    return Number(/^weir_feed_subscribers (\d+)$/m.exec(text)?.[1]);
  };
  await waitUntil('those before to be gone', async () => (await followers()) === 0);
  const client = await open();
  await client.subscribe('one');
  await client.subscribe('two');
  const leave = new AbortController();
  const stream = await fetch(`${weir.url}/api/v1/projects/${weir.project}/feed`, {
    headers: { authorization: `Bearer ${weir.key}` },
    signal: leave.signal,
  });
  await stream.body?.getReader().read();
  await waitUntil('all three', async () => (await followers()) === 3);
  leave.abort();
  client.close();
  await waitUntil('them to be gone', async () => (await followers()) === 0);
});

it('serves clients that offer HTTP/2 with every request, as if they had not', async () => {
  const body = JSON.stringify({ events: [{ event: 'h2c', timestamp: Date.now() }] });
  const head = [
    'POST /api/v1/ingest/events HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${weir.token}`,
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(weir.port, '127.0.0.1');
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text;
  });
  for (let i = 1; i <= 30; i += 1) {
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`);
    socket.write(body.slice(10));
    await waitUntil('the answer', () => answers.split('HTTP/1.1 202').length === i + 1);
  }
  socket.destroy();
  expect(output).not.toContain('MaxListeners');
});
