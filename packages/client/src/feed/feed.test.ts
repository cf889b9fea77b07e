import { afterEach, expect, test } from 'vitest';
import { refuse, ScriptedServer, type Step, stream } from '../testing/scripted-server.js';
import { Weir } from '../weir.js';
import type { FeedGap, FeedOptions } from './feed.js';

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const item = (i: number): string => `id: c${i}\ndata: {"i":${i}}\n\n`;
const EXPIRED = { code: 'cursor_expired', status: 410, detail: '4 are gone', oldest: 'c9', missed: 4 };
const END = 'event: end\ndata: {"cursor":"c2"}\n\n';

/** What a feed brings of a script; `until` so many items. */
async function read(steps: readonly Step[], options: FeedOptions = {}, count = Number.POSITIVE_INFINITY) {
  server = await ScriptedServer.start(...steps);
  const weir = new Weir({ url: server.url, key: 'k', project: 'p' });
  const feed = weir.feed<{ i: number }>({ after: 'c0', ...options });
  const seen: number[] = [];
  let failure: unknown;
  try {
    for await (const { event } of feed) if (seen.push(event.i) === count) break;
  } catch (error) {
    failure = error;
  }
  const asked = (name: string) => server?.asked.map(({ query }) => query.get(name));
  return { seen, failure, cursor: feed.cursor, after: asked('after'), until: asked('until') };
}

test('a feed connects again behind its last cursor, also one without an item, however a connection ends', async () => {
  const slow = 'event: error\ndata: {"code":"subscriber_too_slow","detail":"slow"}\n\n';
  const found = await read(
    [
      stream(item(1), 'break'),
      stream('id: c5\n\n', 'end'),
      refuse(503, { code: 'draining' }),
      stream(item(6) + slow, 'end'),
      stream('', 'hang'),
      stream(item(7), 'hang'),
    ],
    { silenceMs: 200 },
    3,
  );
  expect(found).toMatchObject({ seen: [1, 6, 7], failure: undefined, cursor: 'c7' });
  expect(found.after).toEqual(['c0', 'c1', 'c5', 'c5', 'c6', 'c6']);
});

test.each([
  ['an answer', refuse(410, EXPIRED)],
  ['a stream', stream(`event: error\ndata: ${JSON.stringify(EXPIRED)}\n\n`, 'end')],
])('items that are lost fail the iteration, or are reported, where %s says so', async (_, expired) => {
  expect((await read([expired])).failure).toMatchObject({ code: 'cursor_expired', missed: 4, oldest: 'c9' });
  server?.close();
  const gaps: FeedGap[] = [];
  const onGap = (gap: FeedGap) => gaps.push(gap);
  const found = await read([expired, stream(item(10), 'hang')], { onGap }, 1);
  expect(found).toMatchObject({ seen: [10], after: ['c0', 'c9'] });
  expect(gaps).toEqual([{ missed: 4, message: '4 are gone' }]);
});

test('a broken connection does not move the end of a feed that reads what is there', async () => {
  const found = await read(
    [stream('id: c2\n\n', 'end'), stream(item(1), 'break'), stream(item(2) + END, 'end')],
    { until: 'latest' },
  );
  expect(found).toMatchObject({ seen: [1, 2], failure: undefined });
  expect([found.after, found.until]).toEqual([
    ['latest', 'c0', 'c1'],
    ['latest', 'c2', 'c2'],
  ]);
});
