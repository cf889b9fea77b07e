/** How many readers one project may have, over every way to read. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ChannelClient } from './harness/channel-client.js';
import { EventStream } from './harness/event-stream.js';
import { Jobs } from './harness/jobs.js';
import { SocketClient } from './harness/socket-client.js';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
const opened: { close(): void }[] = [];

beforeAll(async () => {
  weir = await new WeirProcess({
    WEIR_FEED_MAX_FOLLOWERS: '2',
    WEIR_FEED_MAX_SUBSCRIPTIONS: '3',
    WEIR_CHANNEL_MAX_SUBSCRIBERS: '2',
    WEIR_USAGE_SINKS: 'file',
  }).start();
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await waitUntil('all places to be free', async () =>
    (await figures('weir_places_taken')).every(([, count]) => count === 0),
  );
});
afterAll(async () => await weir?.dispose());

const authorization = () => ({ authorization: `Bearer ${weir.key}` });
const feedPath = () => `/api/v1/projects/${weir.project}/feed`;

async function figures(metric: string): Promise<[string, number][]> {
  const { text } = await weir.request('GET', '/metrics');
  return [...text.matchAll(new RegExp(`^${metric}\\{limit="(\\w+)"\\} (\\d+)$`, 'gm'))].map(
    ([, limit = '', count]) => [limit, Number(count)],
  );
}

async function followFeed(): Promise<EventStream> {
  const stream = await EventStream.open(weir.url + feedPath(), authorization());
  opened.push(stream);
  return stream;
}

async function openSocket(): Promise<SocketClient> {
  const client = await SocketClient.open(`${weir.url}/api/v1/feed`, authorization());
  if (!(client instanceof SocketClient)) throw new Error(JSON.stringify(client));
  opened.push(client);
  return client;
}

async function get(path: string): Promise<{ status: number; retryAfter: string | null; body: unknown }> {
  const { status, headers, text } = await weir.request('GET', path, { headers: authorization() });
  return { status, retryAfter: headers.get('retry-after'), body: JSON.parse(text) };
}

const atCapacity = (limit: number) => ({
  status: 429,
  retryAfter: '1',
  body: { code: 'at_capacity', limit, hint: expect.any(String), retry_after_s: 1 },
});

test('connections that follow the feed are limited over both protocols, and a place is free once one has closed', async () => {
  const stream = await followFeed();
  await openSocket();
  expect(await get(feedPath())).toMatchObject(atCapacity(2));
  expect(await SocketClient.open(`${weir.url}/api/v1/feed`, authorization())).toMatchObject({
    status: 429,
    body: { code: 'at_capacity', limit: 2 },
  });
  expect(new Map(await figures('weir_places_refused_total')).get('feed_followers')).toBe(2);
  const denied = await waitUntil('the usage record', () =>
    usageFile(weir).find(({ http_status }) => http_status === 429),
  );
  expect(denied).toMatchObject({ admission_denied: true, admission_reason: 'at_capacity', billable: false });
  stream.close();
  await waitUntil('a place', async () => {
    const again = await followFeed();
    return again.status === 200;
  });
});

test('subscriptions of the feed are limited over all connections of the project', async () => {
  await followFeed();
  const client = await openSocket();
  await client.subscribe('a');
  await client.subscribe('b');
  client.send({ op: 'subscribe', sub: 'c' });
  const refused = await client.answer(({ op }) => op === 'error');
  expect(refused).toMatchObject({ sub: 'c', code: 'at_capacity', limit: 3, retry_after_s: 1 });
  client.send({ op: 'unsubscribe', sub: 'a' });
  await client.answer(({ op }) => op === 'done');
  await client.subscribe('d');
});

test('another project has places of its own', async () => {
  await followFeed();
  await followFeed();
  const { body } = await weir.operator('POST', '/projects', { name: 'other' });
  const { id } = body as { id: string };
  const made = await weir.operator('POST', `/projects/${id}/keys`, { name: 'k', scopes: ['feed'] });
  const { api_key: key } = made.body as { api_key: string };
  const stream = await EventStream.open(`${weir.url}/api/v1/projects/${id}/feed`, {
    authorization: `Bearer ${key}`,
  });
  opened.push(stream);
  expect(stream.status).toBe(200);
});

test('subscribers of channels and streams are limited together: event streams, WebSockets and long polls', async () => {
  const job = await new Jobs(weir).run();
  const channel = `/api/v1/processes/${job.id}/channels/c`;
  const subscriber = await EventStream.open(`${weir.url}${channel}/subscribe`, authorization());
  opened.push(subscriber);
  const client = await ChannelClient.connect(weir.url, weir.key);
  opened.push(client);
  await client.open(1, job.id, 'c', { read: true, after: 0 });
  await waitUntil(
    'both',
    async () => new Map(await figures('weir_places_taken')).get('channel_subscribers') === 2,
  );

  expect(await get(`${channel}/subscribe`)).toMatchObject(atCapacity(2));
  expect(await get(`${channel}/messages?wait_ms=1000`)).toMatchObject(atCapacity(2));
  expect(await get(`/v1/stream/-/${job.id}/c?offset=-1&live=sse`)).toMatchObject(atCapacity(2));
  expect(await get(`/v1/stream/-/${job.id}/c?offset=-1&live=long-poll`)).toMatchObject(atCapacity(2));
  // A read of stored messages does not wait, and needs no slot.
  expect(await get(`${channel}/messages`)).toMatchObject({ status: 200 });

  // The channel is open, only its reading was refused; it can be asked for again.
  expect(await client.open(2, job.id, 'c', { read: true, after: 0 })).toMatchObject({ op: 'opened' });
  const refused = await client.next(0, ({ op, ch }) => op === 'error' && ch === 2);
  expect(refused).toMatchObject({ of: 'reading', code: 'at_capacity', limit: 2 });
  subscriber.close();
  await waitUntil('the reading', async () => {
    const answer = await client.ask({ op: 'read', ch: 2, after: 0 }, 'reading', 'error');
    return answer.op === 'reading';
  });
});
