import { type Log, openLog } from '@weir/log';
import { afterEach, expect, test } from 'vitest';
import { Feed } from './feed.js';
import { FeedGroups } from './feed-groups.js';
import { FeedRetention } from './feed-retention.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STREAM = 'feed:events:p';

let log: Log | undefined;
afterEach(async () => await log?.close());

/** As much of a row as retention reads. */
function row(receivedAt: number, bytes = 48): Buffer {
  const item = Buffer.alloc(bytes);
  item.writeBigInt64LE(BigInt(receivedAt), 32);
  return item;
}

async function setUp(maxBytes: number, feedBytes: number) {
  const time = { now: 1_800_000_000_000 };
  log = await openLog({ engine: 'memory', maxBytes, now: () => time.now });
  const groups = new FeedGroups(log);
  const retention = new FeedRetention({
    log,
    limits: { ageMs: DAY_MS, bytes: feedBytes },
    keepSince: async () => Number.POSITIVE_INFINITY,
    heldFrom: (stream) => groups.heldFrom(stream),
    logger: { warn: (_, message) => expect.fail(message) },
    now: () => time.now,
  });
  const feed = new Feed(log);
  const make = (name: string, hold: boolean) =>
    groups.make('p', name, { from: 'earliest', hold }, () => feed.locate('events', 'p', 'earliest'));
  const append = async (count: number, bytes?: number) =>
    await log?.append(
      STREAM,
      Array.from({ length: count }, () => row(time.now, bytes)),
    );
  const first = async () => {
    await retention.run();
    return (await log?.stats(STREAM))?.first;
  };
  return { time, groups, make, append, first };
}

test('what a group holds is kept up to seven days longer, what others need is not', async () => {
  const { time, groups, make, append, first } = await setUp(1e9, 1e6);
  await append(10);
  await make('passes', false);
  time.now += DAY_MS + HOUR_MS;
  await append(10);
  await make('holds', true);
  expect(await first()).toBe(1);
  time.now += 7 * DAY_MS;
  expect(await first()).toBe(11);
  await groups.remove('p', 'holds');
  expect(await first()).toBe(21);
});

test('a group holds beyond the size of a project, and gives way to the size of the log', async () => {
  const { make, append, first } = await setUp(1_000_000, 100_000);
  await append(1, 1000);
  await make('holds', true);
  await append(500, 1000);
  expect(await first()).toBe(1);
  await append(400, 1000);
  expect(await first()).toBeGreaterThan(400);
});
