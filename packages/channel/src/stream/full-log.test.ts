/** The operations that a full log permits, and the state after its refusals. */
import { openLog } from '@weir/log';
import { expect, test } from 'vitest';
import { StreamStore } from './index.js';
import { appendOf, contentOf, TEXT } from './testing/appends.js';

const START = 1_700_000_000_000;
const SECOND = 1000;
const TTL = { kind: 'ttl', seconds: 80 } as const;

/** A store on a log with room for about 100 KB. */
async function small() {
  const log = await openLog({ engine: 'memory', maxBytes: 100_000 });
  const clock = { now: START };
  const open = () => StreamStore.open({ log, now: () => clock.now, sweepMs: 3_600_000 });
  /** Fills the log until fewer than `left` bytes are free. */
  const fill = async (left: number, reserve = false) => {
    for (let size = 50_000; size >= left; ) {
      const append = log.appendAll([{ stream: 'filler', entries: [Buffer.alloc(size)] }], { reserve });
      const isIn = await append.then(
        () => true,
        () => false,
      );
      if (!isIn) size = size >> 1;
    }
  };
  return { log, clock, open, fill, store: await open() };
}

test('on a full log streams can be deleted, expired, closed and used, and then there is room', async () => {
  const { log, clock, open, fill, store } = await small();
  for (const name of ['source', 'closed', 'deleted']) await store.create('p', name, TEXT);
  await store.create('p', 'fork', { ...TEXT, fork: { source: 'source', offset: null, subOffset: 0 } });
  for (const name of ['used', 'expired']) await store.create('p', name, { ...TEXT, expiry: TTL });
  await fill(1);
  await expect(store.create('p', 'new', TEXT)).rejects.toMatchObject({ code: 'log_full' });
  const source = await store.open('p', 'closed');
  const [refused, closed] = await Promise.allSettled([
    source.append(appendOf('x')),
    source.append(appendOf('', { close: true })),
  ]);
  expect(refused).toMatchObject({ reason: { code: 'log_full' } });
  expect(closed).toMatchObject({ value: { isClosed: true } });
  clock.now += 79 * SECOND;
  await (await store.open('p', 'used')).read(0);
  clock.now += 2 * SECOND;
  for (const name of ['source', 'fork', 'deleted', 'closed']) await store.remove('p', name);
  await store.sweep();
  await store.close();
  expect(await log.streams('stream')).toEqual(['streams:p:used']);
  clock.now += 70 * SECOND;
  const next = await open();
  expect((await next.open('p', 'used')).info.isClosed).toBe(false);
  await next.create('p', 'new', TEXT);
});

test('a duplicate refused because of an append that was then not stored fails with the error of that append', async () => {
  const { log, fill, store } = await small();
  await store.create('p', 'a', TEXT);
  await fill(1000);
  const source = await store.open('p', 'a');
  const big = 'x'.repeat(2000);
  const [first, later] = [
    { id: 'w', epoch: 2, seq: 0 },
    { id: 'w', epoch: 1, seq: 0 },
  ];
  for (const [stored, refused] of [
    [appendOf(big, { close: true }), appendOf('after the end')],
    [appendOf(big, { producer: first }), appendOf('fenced', { producer: later })],
    [appendOf(big, { seq: '5' }), appendOf('too low', { seq: '5' })],
  ] as const) {
    const both = await Promise.allSettled([source.append(stored), source.append(refused)]);
    for (const one of both) expect(one).toMatchObject({ reason: { code: 'log_full' } });
  }
  await log.remove('filler');
  await source.append(appendOf('1', { producer: later, seq: '5' }));
  expect(await contentOf(source)).toBe('1');
});

test('a use that could not be recorded is recorded with the next', async () => {
  const { log, clock, open, fill, store } = await small();
  await store.create('p', 'a', { ...TEXT, expiry: TTL });
  await fill(1, true);
  const source = await store.open('p', 'a');
  clock.now += 60 * SECOND;
  await source.read(0);
  await store.sweep();
  await log.remove('filler');
  clock.now += 1 * SECOND;
  await source.read(0);
  await store.close();
  clock.now += 79 * SECOND;
  const next = await open();
  expect((await next.open('p', 'a')).info.isClosed).toBe(false);
});
