/** Readers of a long history: whatever they ask for, other requests wait for a bounded time. */
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { growHistory } from './harness/feed-history.js';
import { MeasuredServer } from './harness/measured-server.js';
import { SocketClient } from './harness/socket-client.js';
import { waitUntil } from './index.js';

const EVENTS = 200_000;
/**
 * Processor time of one turn of the event loop, milliseconds. A turn of readers takes 10 ms and one portion; the rest is for
 * the garbage collector, whose pauses are the heap's and not a reader's.
 */
const LONGEST_TURN_MS = 40;

let weir: MeasuredServer;

beforeAll(async () => {
  weir = await new MeasuredServer({ WEIR_USAGE_ENABLED: 'false' }).start();
  await growHistory(weir, EVENTS);
});
afterAll(async () => await weir?.dispose());

/** Follows the feed over SSE. */
async function follow(search: string): Promise<{ readonly text: () => string; readonly close: () => void }> {
  let text = '';
  const request = get(`${weir.url}/api/v1/projects/${weir.project}/feed${search}`, {
    headers: { authorization: `Bearer ${weir.key}` },
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-100_000);
  });
  request.on('error', () => {});
  response.on('error', () => {});
  return { text: () => text, close: () => request.destroy() };
}

async function open(): Promise<SocketClient> {
  const client = await SocketClient.open(`${weir.url}/api/v1/feed`, { authorization: `Bearer ${weir.key}` });
  if (!(client instanceof SocketClient)) throw new Error(JSON.stringify(client));
  return client;
}

/** The cursor behind the whole history. */
async function newest(): Promise<string> {
  const latest = await open();
  await latest.subscribe('s');
  latest.close();
  return String(latest.frames.find(({ op }) => op === 'ready')?.cursor);
}

test('an event stream whose filter matches nothing passes over history in short turns', async () => {
  const end = await newest();
  const longest = await weir.longestTurn(async () => {
    const client = await follow('?after=earliest&event=nothing-has-this-name');
    await waitUntil('the end of history', () => client.text().includes(`id: ${end}\n`));
    client.close();
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('64 subscriptions from the earliest event work in short turns, and end with their connection', async () => {
  const longest = await weir.longestTurn(async () => {
    const client = await open();
    for (let i = 0; i < 64; i += 1)
      client.send({ op: 'subscribe', sub: `s${i}`, after: 'earliest', event: ['nothing-has-this-name'] });
    await waitUntil(
      'all subscriptions',
      () => client.frames.filter(({ op }) => op === 'ready').length === 64,
    );
    await waitUntil('some history', () => client.frames.filter(({ op }) => op === 'events').length > 640);
    client.close();
    await waitUntil('the readers to end', async () => (await subscribers()) === 0);
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('64 subscriptions that want every event work in short turns, at the pace of their client', async () => {
  const longest = await weir.longestTurn(async () => {
    const client = await open();
    for (let i = 0; i < 64; i += 1) client.send({ op: 'subscribe', sub: `s${i}`, after: 'earliest' });
    await sleep(3_000);
    client.close();
    await waitUntil('the readers to end', async () => (await subscribers()) === 0);
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('a live follower of the same project is served while 64 subscriptions read history', async () => {
  const client = await open();
  const live = await open();
  await live.subscribe('live', { event: ['now'] });
  for (let i = 0; i < 64; i += 1)
    client.send({ op: 'subscribe', sub: `s${i}`, after: 'earliest', event: ['nothing-has-this-name'] });
  await waitUntil('some history', () => client.frames.some(({ op }) => op === 'events'));
  await weir.send({ events: [{ event: 'now', event_id: 'n1', timestamp: Date.now() }] });
  const pages = () => client.frames.filter(({ op }) => op === 'events').length;
  const before = pages();
  await waitUntil('the event', () => live.idsOf('live').length === 1);
  // In turns, each of the 64 reads one page before the live follower reads its own. The rest is what was under way.
  expect(pages() - before).toBeLessThan(64 * 50);
  client.close();
  live.close();
});

test('groups whose filter matches nothing pass over history in short turns, many at a time', async () => {
  const group = async (method: string, path: string, body: object) => {
    const { status, text } = await weir.request(
      method,
      `/api/v1/projects/${weir.project}/feed/groups/${path}`,
      {
        headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      },
    );
    return { status, body: JSON.parse(text) as { lag?: number; deliveries?: unknown[] } };
  };
  const names = Array.from({ length: 20 }, (_, i) => `g${i}`);
  for (const name of names)
    expect((await group('PUT', name, { from: 'earliest', event: ['nothing-has-this-name'] })).status).toBe(
      201,
    );
  const longest = await weir.longestTurn(async () => {
    await Promise.all(
      names.map(async (name) => {
        const { body } = await group('POST', `${name}/pull`, { max: 10, wait_ms: 1_000 });
        expect(body.deliveries).toEqual([]);
      }),
    );
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

async function subscribers(): Promise<number> {
  const { text } = await weir.request('GET', '/metrics');
  return Number(/^weir_feed_subscribers (\d+)$/m.exec(text)?.[1]);
}
