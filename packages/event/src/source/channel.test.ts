import { afterEach, expect, test } from 'vitest';
import { openSource } from './index.js';
import { type Answer, FeedServer, refuse, stream } from './testing/feed-server.js';
import { Follower } from './testing/follower.js';

const servers: FeedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function follow(from: string, answers: readonly Answer[]) {
  const server = new FeedServer(answers);
  servers.push(server);
  const spec = { kind: 'channel', server: await server.start(), process: 'p', name: 'c' } as const;
  return { server, follower: new Follower(openSource(spec, 'k').open(from)) };
}

const message = (index: number) => `id: ${index}\ndata: {"index":${index},"text":"é"}\n\n`;
const CLOSED = 'event: closed\ndata: {"reason":"success","last_index":3}\n\n';
const ENDED = { kind: 'failed', code: 'source_ended', message: expect.stringContaining('success') };

test('messages have their index as cursor, and the end of the channel ends the source', async () => {
  const { server, follower } = await follow('latest', [
    (response) => response.end('{"last_index":1}'),
    stream(`retry: 1\nid: 1\n\n${message(2)}`, 'break'),
    stream(`id: 2\n\n${message(3)}${CLOSED}`, 'end'),
  ]);
  expect(await follower.ended).toMatchObject(ENDED);
  expect(follower.items).toMatchObject([
    { cursor: '2', event: { event_id: 'p/c.2', event_type: 'weir.channel.message', payload: { text: 'é' } } },
    { cursor: '3', event: { event_id: 'p/c.3' } },
  ]);
  expect(server.asked).toEqual([null, '1', '2']);
  expect([follower.gaps, follower.positions]).toEqual([[], ['1', '2']]);
});

test('evicted messages are a gap for a reader with a cursor, and none for one that starts with the oldest', async () => {
  const expired = refuse(410, { code: 'cursor_expired', status: 410, detail: 'gone', oldest: 6 });
  const late = await follow('2', [expired, stream(message(6), 'hang')]);
  await late.follower.until(({ items }) => items.length === 1);
  expect(late.follower.gaps).toEqual([{ message: 'gone', missed: 3 }]);
  expect(late.server.asked).toEqual(['2', '5']);
  const first = await follow('earliest', [expired, stream(message(6), 'hang')]);
  await first.follower.until(({ items }) => items.length === 1);
  expect(first.follower.gaps).toEqual([]);
  expect(first.server.asked).toEqual(['0', '5']);
});

test('a slow reader continues; a reader that lost its permission gets the reason', async () => {
  const slow = 'event: error\ndata: {"code":"subscriber_too_slow","status":429,"cursor":1}\n\n';
  const stale = 'event: error\ndata: {"code":"forbidden","status":403,"detail":"not yours","hint":"ask"}\n\n';
  const { server, follower } = await follow('0', [
    stream(message(1) + slow, 'end'),
    stream(message(2) + stale, 'end'),
  ]);
  expect(await follower.ended).toMatchObject({ kind: 'auth', code: 'forbidden', hint: 'ask' });
  expect(follower.items.map(({ cursor }) => cursor)).toEqual(['1', '2']);
  expect(server.asked).toEqual(['0', '1']);
});

test.each<[string, number, object, object]>([
  ['latest', 401, { code: 'unauthorized' }, { kind: 'auth', code: 'unauthorized' }],
  ['1', 403, { code: 'insufficient_scope' }, { kind: 'auth', code: 'insufficient_scope' }],
  ['1', 404, { code: 'process_not_found', hint: 'h' }, { kind: 'failed', code: 'process_not_found' }],
  ['earliest', 410, { code: 'channel_gone', hint: 'h' }, { kind: 'failed', code: 'channel_gone' }],
  ['yesterday', 200, {}, { kind: 'usage', code: 'invalid_from' }],
])('from %s, %i %j ends it', async (from, status, document, expected) => {
  const { follower } = await follow(from, [refuse(status, document)]);
  expect(await follower.ended).toMatchObject(expected);
});
