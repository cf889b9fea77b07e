import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { freePort } from '@weir/base/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadText } from '../raw-event.js';
import { Follower } from './testing/follower.js';
import { WebhookSource } from './webhook.js';

let port: number;
const followers: Follower[] = [];

beforeEach(async () => {
  port = await freePort();
});
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.stop()));
});

const sourceOf = (path: string) => new WebhookSource({ host: '127.0.0.1', port, path });
const url = (path: string) => `http://127.0.0.1:${port}${path}`;
const isConnected = ({ states }: Follower) => states.includes('connected');
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url(path), { method: 'POST', body, headers });

async function follow(path: string): Promise<Follower> {
  const follower = new Follower(sourceOf(path).open(), { acknowledges: true });
  followers.push(follower);
  await follower.until(isConnected);
  return follower;
}

test('a request becomes an event without secrets, with the id of the sender', async () => {
  const follower = await follow('/github');
  const response = await post('/github?a=1&a=2&b=', '{"id":12345678901234567890}', {
    'content-type': 'application/vnd.x+json; charset=utf-8',
    'x-github-delivery': 'd1',
    authorization: 'Bearer secret',
    cookie: 'session=secret',
  });
  expect(response.status).toBe(202);
  const event = follower.items[0]?.event;
  expect(event).toMatchObject({
    event_id: 'd1',
    event_type: 'webhook.request',
    payload: {
      method: 'POST',
      path: '/github',
      query: { a: ['1', '2'], b: '' },
      headers: { 'x-github-delivery': 'd1' },
    },
  });
  expect(event && payloadText(event)).toContain('"body":{"id":12345678901234567890}');
  expect(event && payloadText(event)).not.toContain('secret');
});

test.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, unknown]>([
  ['JSON that is none', '{"a":', { 'content-type': 'application/json' }, '{"a":'],
  ['JSON under another type', '{"a":1}', { 'content-type': 'text/plain' }, '{"a":1}'],
  ['bytes', new Uint8Array([0xff, 0]), { 'content-type': 'application/json' }, { base64: '/wA=' }],
  ['nothing', '', {}, null],
])('the body is %s', async (_, body, headers, expected) => {
  const follower = await follow('/hook');
  expect((await post('/hook', body, headers)).status).toBe(202);
  expect(follower.payloads).toMatchObject([{ body: expected }]);
});

test.each<[string, Record<string, string>, string]>([
  ['webhook-id', { 'webhook-id': 'w1', 'idempotency-key': 'i1' }, 'w1'],
  ['idempotency-key', { 'idempotency-key': 'i1' }, 'i1'],
  ['the id in what Stripe sends', { 'stripe-signature': 't=1' }, 'evt_1'],
])('the event id is %s', async (_, headers, id) => {
  const follower = await follow('/hook');
  await post('/hook', '{"id":"evt_1"}', { 'content-type': 'application/json', ...headers });
  await post('/hook', '{"id":"evt_1"}', { 'content-type': 'application/json' });
  expect(follower.items[0]?.event.event_id).toBe(id);
  expect(follower.items[1]?.event.event_id).toMatch(/^[0-9a-f-]{36}$/);
});

test('paths of one port share a listener, and removing one keeps the others', async () => {
  const [a, b] = [await follow('/a'), await follow('/b')];
  expect((await post('/a', 'of a')).status).toBe(202);
  expect((await post('/b', 'of b')).status).toBe(202);
  expect((await post('/a/more', '')).status).toBe(404);
  await a.stop();
  expect((await post('/a', '')).status).toBe(503);
  expect((await post('/b', 'more')).status).toBe(202);
  await b.stop();
  await expect(post('/b', '')).rejects.toThrow();
  const again = await follow('/b');
  expect((await post('/b', 'again')).status).toBe(202);
  expect([a, b, again].map(({ items }) => items.length)).toEqual([1, 2, 1]);
});

test('the response is 202 after the acknowledgement, otherwise the sender must retry', async () => {
  const source = new WebhookSource({ host: '127.0.0.1', port, path: '/slow', waitMs: 500 });
  const follower = new Follower(source.open());
  followers.push(follower);
  await follower.until(isConnected);
  const send = async (body: string) => {
    const before = follower.items.length;
    const response = post('/slow', body);
    await follower.until(({ items }) => items.length > before);
    return { response, event: follower.items.at(-1) };
  };
  const done = await send('done');
  await done.event?.ack?.();
  expect((await done.response).status).toBe(202);
  const failed = await send('failed');
  await failed.event?.fail?.();
  const refused = await failed.response;
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  // These events are never acknowledged.
  const [silent, atEnd] = [await send('silent'), await send('at the end')];
  expect((await silent.response).status).toBe(503);
  await follower.stop();
  expect((await atEnd.response).status).toBe(503);
});

test('refuses oversized requests, and browser pages', async () => {
  const follower = await follow('/hook');
  expect((await post('/hook', 'x'.repeat(1_048_577))).status).toBe(413);
  expect((await post('/hook', '"'.repeat(1_000_000))).status).toBe(413);
  expect((await post('/hook', 'x', { origin: 'https://elsewhere.example' })).status).toBe(403);
  expect((await post('/hook', 'x', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await post('/hook', 'x'.repeat(1_000_000))).status).toBe(202);
  expect(follower.items).toHaveLength(1);
});

test('accepts POST, PUT and PATCH, and only requests with a Host of this machine', async () => {
  const follower = await follow('/hook');
  const ask = async (method: string, host: string) => {
    const asking = request({ port, host: '127.0.0.1', path: '/hook', method, headers: { host } }).end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await ask('POST', `localhost:${port}`)).toBe(202);
  expect(await ask('PUT', `127.0.0.1:${port}`)).toBe(202);
  expect(await ask('PATCH', `[::1]:${port}`)).toBe(202);
  expect(await ask('GET', `localhost:${port}`)).toBe(405);
  expect(await ask('POST', `rebound.example:${port}`)).toBe(421);
  expect(await ask('POST', 'localhost.example')).toBe(421);
  expect(follower.items).toHaveLength(3);
});

test('reports a port that is in use', async () => {
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const follower = new Follower(sourceOf('/hook').open());
  expect(await follower.ended).toMatchObject({
    kind: 'usage',
    code: 'port_taken',
    param: 'port',
    hint: expect.any(String),
  });
  other.close();
  await once(other, 'close');
  await follow('/hook');
});
