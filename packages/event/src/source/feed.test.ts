import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import type { StreamGap } from './event-stream.js';
import { ConsumeError, FeedStream } from './index.js';
import { type Answer, FeedServer, refuse, stream } from './testing/feed-server.js';
import { Follower } from './testing/follower.js';

let server: FeedServer | undefined;
afterEach(() => server?.close());

const item = (cursor: string) => `id: ${cursor}\ndata: {"event":"e","event_id":"of ${cursor}"}\n\n`;
const limits = { silenceMs: 300, firstWaitMs: 20, longestWaitMs: 50, firstAnswerMs: 500, outageMs: 5_000 };

/** Follows a scripted server until it refuses permanently. */
async function follow(answers: readonly Answer[], from = 'latest') {
  server = new FeedServer(answers);
  const url = await server.start();
  const cursors: string[] = [];
  const states: string[] = [];
  const gaps: StreamGap[] = [];
  const feed = new FeedStream({ server: url, project: 'p', key: 'k', from, limits });
  const watcher = {
    onState: (state: string) => void states.push(state),
    onGap: (gap: StreamGap) => void gaps.push(gap),
  };
  try {
    for await (const { event, cursor = '' } of feed.follow(watcher, new AbortController().signal)) {
      expect(event).toMatchObject({ event_type: 'e', event_id: `of ${cursor}` });
      cursors.push(cursor);
    }
  } catch (error) {
    if (!(error instanceof ConsumeError)) throw error;
    return { cursors, states, gaps, error, asked: server.asked, times: server.times };
  }
  throw new Error('the feed ended without an error');
}

test('resumes from the last cursor, including filtered positions, however a connection ends', async () => {
  const { cursors, asked, states, error } = await follow([
    stream(`id: a0\n\n${item('a1')}id: a2\n\n${item('a3').slice(0, -3)}`, 'break'),
    refuse(503, { code: 'starting' }),
    stream(`id: a2\n\n${item('a3')}`, 'end'),
    stream(`id: a3\n\n${item('a4')}`, 'hang'),
  ]);
  expect(cursors).toEqual(['a1', 'a3', 'a4']);
  expect(asked).toEqual(['latest', 'a2', 'a2', 'a3', 'a4']);
  expect(states.slice(0, 4)).toEqual(['connecting', 'connected', 'disconnected', 'reconnecting']);
  expect(error).toMatchObject({ kind: 'failed', code: 'not_found' });
});

test('the end is determined at the start, survives reconnects, and ends the stream', async () => {
  const cursors: string[] = [];
  server = new FeedServer([
    refuse(503, { code: 'starting' }),
    stream('id: h\n\nevent: end\ndata: {"cursor":"h"}\n\n', 'end'),
    stream(`id: a0\n\n${item('a1')}`, 'break'),
    stream(`id: a1\n\n${item('h')}event: end\ndata: {"cursor":"h"}\n\n`, 'hang'),
  ]);
  const feed = new FeedStream({
    server: await server.start(),
    project: 'p',
    key: 'k',
    from: 'earliest',
    until: 'now',
    limits,
  });
  const watcher = { onState: () => {}, onGap: () => {} };
  for await (const { cursor = '' } of feed.follow(watcher, new AbortController().signal))
    cursors.push(cursor);
  expect(cursors).toEqual(['a1', 'h']);
  expect(server.asked).toEqual(['latest', 'latest', 'earliest', 'a1']);
  expect(server.ends).toEqual(['latest', 'latest', 'h', 'h']);
});

test('reports lost items, at the start and in the stream, and continues at the oldest', async () => {
  const gone = { code: 'cursor_expired', detail: '7 items are no longer kept', oldest: 'b0', missed: 7 };
  const { cursors, gaps, asked } = await follow(
    [
      refuse(410, gone),
      stream(
        `id: b0\n\n${item('b1')}event: error\ndata: ${JSON.stringify({ ...gone, oldest: 'c0', missed: 2 })}\n\n`,
        'end',
      ),
      stream(`id: c0\n\n${item('c1')}`, 'end'),
      refuse(410, { code: 'cursor_expired', detail: 'of another feed' }),
    ],
    'old',
  );
  expect(cursors).toEqual(['b1', 'c1']);
  expect(gaps.map(({ missed }) => missed)).toEqual([7, 2, undefined]);
  expect(asked).toEqual(['old', 'b0', 'c0', 'c1', 'earliest']);
});

test('waits as long as the server requests', async () => {
  const { times } = await follow([refuse(429, { code: 'rate_limited' }, { 'retry-after': '1' })]);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test.each<[number, string, string]>([
  [400, 'invalid_request', 'usage'],
  [401, 'unauthorized', 'auth'],
  [403, 'insufficient_scope', 'auth'],
  [403, 'suspended', 'auth'],
  [402, 'payment_required', 'failed'],
  [404, 'not_found', 'failed'],
])('%d %s ends it: %s', async (status, code, kind) => {
  const { error, asked } = await follow([refuse(status, { code, detail: 'no' })]);
  expect(error).toMatchObject({ kind, code, message: 'no', hint: expect.any(String) });
  expect(asked).toHaveLength(1);
});

test('a server that never answers is given up soon, one that has answered is not', async () => {
  server = new FeedServer([]);
  const url = await server.start();
  server.close();
  const feed = new FeedStream({ server: url, project: 'p', key: 'k', limits });
  const watcher = { onState: () => {}, onGap: () => {} };
  const first = feed.follow(watcher, new AbortController().signal)[Symbol.asyncIterator]().next();
  await expect(first).rejects.toMatchObject({ kind: 'network', message: expect.stringContaining(url) });
});

test('a server that accepts connections and never answers is given up as soon', async () => {
  server = new FeedServer([() => {}, () => {}]);
  const url = await server.start();
  const feed = new FeedStream({
    server: url,
    project: 'p',
    key: 'k',
    limits: { ...limits, firstAnswerMs: 50 },
  });
  const watcher = { onState: () => {}, onGap: () => {} };
  const first = feed.follow(watcher, new AbortController().signal)[Symbol.asyncIterator]().next();
  await expect(first).rejects.toMatchObject({ kind: 'network', code: 'unreachable' });
});

test('a server that has answered before is retried for a whole outage', async () => {
  const unanswered: Answer = (response) => response.destroy();
  server = new FeedServer([unanswered, unanswered, stream(`id: a0\n\n${item('a1')}`, 'hang')]);
  const feed = new FeedStream({
    server: await server.start(),
    project: 'p',
    key: 'k',
    isKnown: true,
    limits: { ...limits, firstAnswerMs: 1 },
  });
  const follower = new Follower(feed);
  await follower.until(({ items }) => items.length === 1);
  await follower.stop();
});

test('ends when aborted, even if the runtime has collected its request', async () => {
  server = new FeedServer([stream(`id: a0\n\n${item('a1')}`, 'hang')]);
  const feed = new FeedStream({ server: await server.start(), project: 'p', key: 'k' });
  const ending = new AbortController();
  const events = feed.follow({ onState: () => {}, onGap: () => {} }, ending.signal);
  expect(await events.next()).toMatchObject({ value: { cursor: 'a1' } });
  const next = events.next();
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let i = 0; i < 5; i += 1) {
    collect();
    await new Promise(setImmediate);
  }
  ending.abort();
  expect(await next).toEqual({ done: true, value: undefined });
}, 5_000);
