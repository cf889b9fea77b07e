import { silentLogger } from '@weir/base';
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

/** The part of a row that retention reads. */
function row(receivedAt: number, bytes = 48): Buffer {
  const item = Buffer.alloc(bytes);
  item.writeBigInt64LE(BigInt(receivedAt), 32);
  return item;
}

async function setUp(maxBytes: number, feedBytes: number, keepSince = Number.POSITIVE_INFINITY) {
  const time = { now: 1_800_000_000_000 };
  log = await openLog({ engine: 'memory', maxBytes, now: () => time.now });
  const groups = new FeedGroups(log);
  const retention = new FeedRetention({
    log,
    limits: { ageMs: DAY_MS, bytes: feedBytes },
    keepSince: async () => keepSince,
    heldFrom: (stream) => groups.heldFrom(stream),
    logger: { ...silentLogger, warn: (_, message) => expect.fail(message) },
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
  const appendTo = async (project: string, count: number, bytes: number) =>
    await log?.append(
      `feed:events:${project}`,
      Array.from({ length: count }, () => row(time.now, bytes)),
    );
  const sizeOf = async (project: string) => (await log?.stats(`feed:events:${project}`))?.bytes;
  const run = () => retention.run();
  return { time, groups, make, append, first, appendTo, sizeOf, run };
}

test('entries that a group holds are retained up to seven days longer, others are not', async () => {
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

test('a group holds entries beyond the size of a project, but not beyond the size of the log', async () => {
  const { make, append, first } = await setUp(1_000_000, 100_000);
  await append(1, 1000);
  await make('holds', true);
  await append(500, 1000);
  expect(await first()).toBe(1);
  await append(400, 1000);
  // A quarter of the log is free again.
  expect(await first()).toBeGreaterThan(150);
});

test('only a project with more than a quarter is trimmed while less than a quarter of the log is free', async () => {
  const { appendTo, sizeOf, run } = await setUp(1_000_000, 1e9);
  for (const project of ['a', 'b', 'c']) await appendTo(project, 150, 1000);
  await appendTo('hog', 280, 1000);
  await run();
  expect(await sizeOf('hog')).toBe(280_000);
  await appendTo('hog', 60, 1000);
  await run();
  // 79 % were in use.
  expect(await sizeOf('hog')).toBeGreaterThan(250_000);
  expect(await sizeOf('hog')).toBeLessThan(310_000);
  for (const project of ['a', 'b', 'c']) expect(await sizeOf(project)).toBe(150_000);
});

test('many projects with less than a quarter are trimmed, the largest first, when the log is nearly full', async () => {
  const { appendTo, sizeOf, run } = await setUp(1_000_000, 1e9);
  for (const project of ['a', 'b', 'c', 'd']) await appendTo(project, 210, 1000);
  await appendTo('small', 30, 1000);
  await run();
  expect(await sizeOf('a')).toBe(210_000);
  await appendTo('e', 50, 1000);
  await run();
  expect([await sizeOf('small'), await sizeOf('e')]).toEqual([30_000, 50_000]);
  for (const project of ['a', 'b', 'c', 'd']) {
    expect(await sizeOf(project)).toBeLessThan(175_000);
    expect(await sizeOf(project)).toBeGreaterThan(150_000);
  }
});

test('entries that are not stored elsewhere are retained, whatever the size of the project', async () => {
  const { appendTo, sizeOf, run } = await setUp(1_000_000, 1e9, 1_800_000_000_000);
  await appendTo('hog', 850, 1000);
  await run();
  expect(await sizeOf('hog')).toBe(850_000);
});
