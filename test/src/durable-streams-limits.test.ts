/** What bounds streams for one project so that others do not notice, over real HTTP. */
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { sharedWeir } from './harness/shared-weir.js';
import { type WeirProject, waitUntil } from './index.js';

const MIB = 1024 * 1024;
let weir: WeirProject;
/** The API key of a second project. */
let other: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  weir = await sharedWeir();
  const { body } = await weir.operator('POST', '/projects', { name: 'other' });
  ({ api_key: other } = body as { api_key: string });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Call {
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

const call = async (method: string, name: string, { key = weir.key, headers = {}, body }: Call = {}) => {
  const answer = await weir.request(method, `/v1/stream/${name}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/plain', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  const document = isProblem && answer.text !== '' ? answer.text : '{}';
  return { ...answer, code: (JSON.parse(document) as { code?: string }).code };
};

/** A connection on which only this is sent, and nothing read. */
function send(bytes: string): Socket {
  const socket = connect(weir.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  sockets.push(socket);
  return socket;
}

const headOf = (target: string, more = '') =>
  `${target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${weir.key}\r\n${more}\r\n`;

it('refuses a project whose readers do not read, and only that one, until they are gone', async () => {
  const body = gzipSync(Buffer.alloc(10 * MIB, 'x'));
  const headers = { 'content-encoding': 'gzip' };
  for (const key of [weir.key, other]) {
    await call('PUT', 'large', { key });
    // More than the buffers between two sockets take.
    for (let i = 0; i < 8; i++) {
      expect((await call('POST', 'large', { key, headers, body })).status).toBe(204);
    }
  }
  const readers = [
    headOf('GET /v1/stream/large').repeat(8),
    headOf('GET /v1/stream/large?offset=-1&live=sse'),
  ];
  for (const reader of readers) {
    const refused = await waitUntil(
      'a refusal',
      async () => {
        // Of readers that come while this one reads, some may be refused in its place.
        send(reader);
        const answer = await call('GET', 'large');
        return answer.status === 429 && answer;
      },
      60_000,
    );
    expect([refused.code, refused.headers.get('retry-after')]).toEqual(['at_capacity', '1']);
    expect((await call('GET', 'large', { key: other })).status).toBe(200);
    for (const socket of sockets.splice(0)) socket.destroy();
    await waitUntil('room', async () => (await call('GET', 'large')).status === 200);
  }
}, 150_000);

it('ends bodies of a project that stay half sent for those that it sends whole, and others go on', async () => {
  const half = (key: string): string => {
    const head = headOf(
      'POST /v1/stream/slow',
      `content-type: text/plain\r\ncontent-length: ${10 * MIB}\r\n`,
    );
    return head.replace(weir.key, key) + 'x'.repeat(9 * MIB);
  };
  for (const key of [weir.key, other]) await call('PUT', 'slow', { key });
  send(half(other));
  const refused = Array.from({ length: 8 }, () => send(half(weir.key))).map(
    (socket) =>
      new Promise<string>((resolve) => {
        socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 9, 12)));
        socket.once('close', () => resolve('closed'));
      }),
  );
  // Until the rate of the half sent ones has been measured, a whole one may be refused.
  const body = 'x'.repeat(10 * MIB);
  const whole = () => waitUntil('room', async () => (await call('POST', 'slow', { body })).status === 204);
  await Promise.all([whole(), whole(), whole()]);
  expect(['408', '429']).toContain(await Promise.race(refused));
  expect((await call('POST', 'slow', { key: other, body })).status).toBe(204);
}, 60_000);

it('answers others while it sends a large text of line ends as events', async () => {
  await call('PUT', 'lines', { headers: { 'content-type': 'text/plain' } });
  const body = gzipSync(Buffer.alloc(10 * MIB, '\n'));
  const headers = { 'content-encoding': 'gzip', 'stream-closed': 'true' };
  expect((await call('POST', 'lines', { headers, body })).status).toBe(204);
  let isDone = false;
  const following = call('GET', 'lines?offset=-1&live=sse').finally(() => {
    isDone = true;
  });
  let longest = 0;
  while (!isDone) {
    const begun = performance.now();
    expect(await weir.answers('/livez')).toBe(true);
    longest = Math.max(longest, performance.now() - begun);
  }
  const { text } = await following;
  const [data = '', control] = text.split('\n\n');
  expect(data.length).toBe('event: data\n'.length + 'data:\n'.length * 10 * MIB + 'data:'.length);
  expect(control).toContain('"streamClosed":true');
  expect(longest).toBeLessThan(2500);
}, 60_000);

it('sends text as events whose characters are whole, wherever appends cut it', async () => {
  await call('PUT', 'euro');
  const euro = Buffer.from('10 €');
  const append = (body: Uint8Array, headers = {}) => call('POST', 'euro', { body, headers });
  await append(euro.subarray(0, 4));
  const response = await fetch(`${weir.url}/v1/stream/euro?offset=-1&live=sse`, {
    headers: { authorization: `Bearer ${weir.key}` },
  });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })();
  const textsOf = () => [...text.matchAll(/^event: data\ndata:(.*)$/gm)].map(([, data]) => data);
  // What is cut waits; it belongs to the append that ends it.
  await waitUntil('the first control', () => text.includes('streamNextOffset'));
  await append(euro.subarray(4, 5));
  await append(euro.subarray(5));
  await waitUntil('the character', () => textsOf().join('').includes('€'));
  await append(euro.subarray(0, 5), { 'stream-closed': 'true' });
  await reading;
  // The stream has ended within the last one.
  expect(textsOf()).toEqual(['10 €', '10 \ufffd']);
});

it('lets a PUT of an expired name with a fork be answered', async () => {
  await call('PUT', 'ends', { headers: { 'stream-ttl': '1' } });
  const headers = { 'stream-forked-from': '/v1/stream/ends', 'stream-ttl': '1000' };
  expect((await call('PUT', 'fork', { headers })).status).toBe(201);
  await waitUntil('its end', async () => (await call('HEAD', 'ends')).status === 410);
  expect((await call('PUT', 'ends')).code).toBe('stream_deleted');
});

it('refuses a time that is over, and sources and pages of elsewhere', async () => {
  const past = { 'stream-expires-at': '2001-01-01T00:00:00Z' };
  expect(await call('PUT', 'past', { headers: past })).toMatchObject({
    status: 400,
    code: 'invalid_request',
  });
  await call('PUT', 'source', { body: 'x' });
  const fork = (from: string) => call('PUT', 'forked', { headers: { 'stream-forked-from': from } });
  for (const from of [
    'https://evil.example/v1/stream/source',
    '//evil.example/v1/stream/source',
    '/elsewhere',
  ]) {
    expect(await fork(from), from).toMatchObject({ status: 400, code: 'invalid_stream_name' });
  }
  expect((await fork(`${weir.url}/v1/stream/source`)).status).toBe(201);
  const page = await call('GET', 'source', { headers: { origin: 'https://elsewhere.example' } });
  expect([page.status, page.code]).toEqual([403, 'origin_not_allowed']);
  expect(page.text).toContain('streams');
});
