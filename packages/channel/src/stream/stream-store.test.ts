import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '@weir/log';
import { expect, test, vi } from 'vitest';
import { Expiries } from './expiries.js';
import { DEFAULT_LIMITS, StreamStore } from './index.js';
import type { LiveStream } from './live-stream.js';
import { streamCache } from './stream-cache.js';
import { StreamCounts } from './stream-counts.js';
import { keyOf } from './stream-name.js';
import { appendOf, contentOf, TEXT } from './testing/appends.js';

const START = 1_700_000_000_000;
const SECOND = 1000;

/** A store with a manual clock. */
async function timed() {
  const log = await openLog({ engine: 'memory' });
  const clock = { now: START };
  const open = () => StreamStore.open({ log, now: () => clock.now, sweepMs: 3_600_000 });
  return { log, clock, open, store: await open() };
}

test('the same name in two projects is two streams', async () => {
  const { store, log } = await timed();
  await store.create('p', 'a/b', { ...TEXT, body: Buffer.from('of p') });
  await expect(store.open('q', 'a/b')).rejects.toMatchObject({ code: 'stream_not_found' });
  await store.create('q', 'a/b', { ...TEXT, contentType: 'text/html', body: Buffer.from('of q') });
  const [p, q] = [await store.open('p', 'a/b'), await store.open('q', 'a/b')];
  expect([await contentOf(p), await contentOf(q)]).toEqual(['of p', 'of q']);
  expect(() => q.locate(p.info.offset)).toThrow(expect.objectContaining({ code: 'cursor_expired' }));
  await expect(
    store.create('q', 'fork', { ...TEXT, fork: { source: 'a', offset: null, subOffset: 0 } }),
  ).rejects.toMatchObject({ code: 'stream_not_found' });
  await store.remove('p', 'a/b');
  expect(await contentOf(q)).toBe('of q');
  expect(await log.streams('stream:')).toEqual(['stream:q:a/b']);
});

test('a stream lives while it is used, is invisible once expired, and the sweeper frees it', async () => {
  const { store, log, clock } = await timed();
  await store.create('p', 'a', { ...TEXT, expiry: { kind: 'ttl', seconds: 10 }, body: Buffer.from('x') });
  const source = await store.open('p', 'a');
  for (const use of [() => source.append(appendOf('y')), () => source.read(0)]) {
    clock.now += 9 * SECOND;
    await use();
  }
  clock.now += 9 * SECOND;
  expect(source.info.isClosed).toBe(false);
  clock.now += 1 * SECOND;
  await expect(source.read(0)).rejects.toMatchObject({ code: 'stream_not_found' });
  await expect(source.append(appendOf('z'))).rejects.toMatchObject({ code: 'stream_not_found' });
  await expect(store.open('p', 'a')).rejects.toMatchObject({ code: 'stream_not_found' });
  expect(await log.streams('stream')).toHaveLength(2);
  source.release();
  await store.sweep();
  expect(await log.streams('stream')).toEqual([]);
});

test('a waiting reader keeps a stream alive', async () => {
  const { store, clock } = await timed();
  await store.create('p', 'a', { ...TEXT, expiry: { kind: 'ttl', seconds: 1 } });
  const source = await store.open('p', 'a');
  const leaving = new AbortController();
  const waiting = source.changed(0, { signal: leaving.signal, timeoutMs: 60_000 });
  clock.now += 60 * SECOND;
  await store.sweep();
  expect(await source.append(appendOf('x'))).toMatchObject({ isClosed: false });
  await waiting;
  clock.now += 2 * SECOND;
  await expect(source.append(appendOf('y'))).rejects.toMatchObject({ code: 'stream_not_found' });
});

test('a restart expires no stream early, and removes expired ones', async () => {
  const { store, open, log, clock } = await timed();
  await store.create('p', 'used', { ...TEXT, expiry: { kind: 'ttl', seconds: 80 } });
  await store.create('p', 'idle', { ...TEXT, expiry: { kind: 'ttl', seconds: 80 } });
  await store.create('p', 'dated', { ...TEXT, expiry: { kind: 'at', at: START + 100 * SECOND } });
  clock.now += 9 * SECOND;
  // Too soon after the last record to write another one.
  await (await store.open('p', 'used')).read(0);
  await store.close();
  clock.now += 75 * SECOND;
  const next = await open();
  expect((await next.open('p', 'used')).info.offset).toBe((await next.open('p', 'dated')).info.offset);
  clock.now += 20 * SECOND;
  await next.close();
  const last = await open();
  await last.sweep();
  await last.close();
  const final = await open();
  await expect(final.open('p', 'idle')).rejects.toMatchObject({ code: 'stream_not_found' });
  await final.sweep();
  expect(await log.streams('stream')).toEqual([]);
});

test('a stream that is read occasionally survives every restart', async () => {
  const { store, open, clock } = await timed();
  await store.create('p', 'a', { ...TEXT, expiry: { kind: 'ttl', seconds: 80 } });
  let current = store;
  // The first use is too soon to be written. The second is too soon after the assumed last use, but not after the
  // recorded one.
  for (const seconds of [9, 9, 78]) {
    clock.now += seconds * SECOND;
    await (await current.open('p', 'a')).read(0);
    await current.close();
    clock.now += 1 * SECOND;
    current = await open();
  }
});

test('many expired streams are removed together', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-streams-'));
  const log = await openLog({ engine: 'lmdb', path });
  let now = START;
  const store = await StreamStore.open({ log, now: () => now, sweepMs: 3_600_000 });
  const expiry = { kind: 'ttl', seconds: 1 } as const;
  await Promise.all(
    Array.from({ length: 500 }, (_, i) =>
      store.create('p', `s${i}`, { ...TEXT, body: Buffer.from('x'), expiry }),
    ),
  );
  now += 5 * SECOND;
  const begun = performance.now();
  await store.sweep();
  // One after another they take 13 s here; together, less than one.
  expect(performance.now() - begun).toBeLessThan(10 * SECOND);
  expect(await log.streams('stream')).toEqual([]);
  await store.close();
  await log.close();
  await rm(path, { recursive: true });
}, 30_000);

test('an unreadable record hides no other stream from the sweeper', async () => {
  const { store, log, clock } = await timed();
  await store.create('p', 'b', { ...TEXT, expiry: { kind: 'ttl', seconds: 1 } });
  await store.close();
  await log.append('streams:p:a', [Buffer.from('no record')]);
  clock.now += 60 * SECOND;
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => void failures.push(error);
  const next = await StreamStore.open({ log, now: () => clock.now, onFailure });
  await vi.waitFor(async () => {
    await next.sweep();
    expect(await log.streams('stream')).toEqual(['streams:p:a']);
  });
  expect(failures).toEqual([expect.any(SyntaxError)]);
  await next.close();
});

test('idle streams are kept in memory only up to a bounded number of producers', async () => {
  const { store, log } = await timed();
  const STREAMS = 60;
  for (let i = 0; i < STREAMS; i++) {
    await store.create('p', `s${i}`, TEXT);
    const source = await store.open('p', `s${i}`);
    await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        source.append(appendOf('x', { producer: { id: `${n}`, epoch: 0, seq: 0 } })),
      ),
    );
    source.release();
  }
  await store.close();
  const around = {
    log,
    limits: DEFAULT_LIMITS,
    now: () => START,
    expiries: new Expiries(),
    counts: new StreamCounts(),
  };
  const cache = streamCache(around);
  const use = (i: number) => cache.use(keyOf('p', `s${i}`), async (live) => live);
  const lives: LiveStream[] = [];
  for (let i = 0; i < STREAMS; i++) lives.push(await use(i));
  for (const live of await cache.all()) await live.turns.idle();
  expect(await use(STREAMS - 1)).toBe(lives.at(-1));
  expect(await use(STREAMS - 50)).toBe(lives.at(-50));
  expect(await use(0)).not.toBe(lives[0]);
}, 30_000);

test('an offset of a deleted stream is refused by its successor of the same name', async () => {
  const { store } = await timed();
  await store.create('p', 'a', { ...TEXT, body: Buffer.from('one') });
  const former = await store.open('p', 'a');
  const { offset } = former.info;
  await store.remove('p', 'a');
  await store.create('p', 'a', { ...TEXT, body: Buffer.from('two') });
  const source = await store.open('p', 'a');
  expect(() => source.locate(offset)).toThrow(
    expect.objectContaining({ code: 'cursor_expired', status: 410 }),
  );
  expect(await contentOf(source)).toBe('two');
  await expect(former.read(0)).rejects.toMatchObject({ code: 'stream_not_found' });
  await expect(former.append(appendOf('late'))).rejects.toMatchObject({ code: 'stream_not_found' });
  expect(await contentOf(source)).toBe('two');
});

test('a restart preserves the type, the end, Stream-Seq and many appends of a stream', async () => {
  const { store, open, log } = await timed();
  await store.create('p', 'a', TEXT);
  const source = await store.open('p', 'a');
  const texts = Array.from({ length: 700 }, (_, i) => `${i};`);
  await Promise.all(
    texts.map((text, i) => source.append(appendOf(text, { seq: String(i).padStart(4, '0') }))),
  );
  await store.close();
  const second = await open();
  const again = await second.open('p', 'a');
  expect(await contentOf(again, '-1', 200)).toBe(texts.join(''));
  await expect(again.append(appendOf('x', { seq: '0699' }))).rejects.toMatchObject({
    code: 'sequence_conflict',
  });
  await again.append(appendOf('last', { seq: '07', close: true }));
  await second.close();
  const third = await (await open()).open('p', 'a');
  expect(third.info).toMatchObject({ isClosed: true, contentType: 'text/plain' });
  await expect(third.append(appendOf('x'))).rejects.toMatchObject({
    code: 'stream_closed',
    headers: { 'stream-closed': 'true', 'stream-next-offset': third.info.offset },
  });
  // Few of the 700 appends have to be read to open it, and its record is one entry.
  await expect.poll(async () => (await log.stats('streams:p:a')).entries).toBe(1);
});

test('Stream-Seq grows from append to append, and an append without it leaves it unchanged', async () => {
  const { store } = await timed();
  await store.create('p', 'a', TEXT);
  const source = await store.open('p', 'a');
  await source.append(appendOf('1'));
  await source.append(appendOf('2', { seq: 'b' }));
  await source.append(appendOf('3'));
  for (const seq of ['a', 'b']) {
    await expect(source.append(appendOf('x', { seq }))).rejects.toMatchObject({ code: 'sequence_conflict' });
  }
  await source.append(appendOf('4', { seq: 'c' }));
  expect(await contentOf(source)).toBe('1234');
});

test('appends that are stored together count together towards the limit of a stream', async () => {
  const log = await openLog({ engine: 'memory' });
  const store = await StreamStore.open({ log, limits: { bytes: 1_000 } });
  await store.create('p', 'a', TEXT);
  const source = await store.open('p', 'a');
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, () => source.append(appendOf('x'.repeat(200)))),
  );
  const stored = all.filter(({ status }) => status === 'fulfilled').length;
  expect(stored).toBe(4);
  expect(await contentOf(source)).toBe('x'.repeat(200 * stored));
  expect(all.at(-1)).toMatchObject({ reason: { code: 'stream_full', facts: { limit: 1_000 } } });
});

test('a stream is filled to its last byte, and a project to its last stream', async () => {
  const log = await openLog({ engine: 'memory' });
  // An entry has a header of 31 bytes.
  const store = await StreamStore.open({ log, limits: { streams: 2, bytes: 100 } });
  await store.create('p', 'a', TEXT);
  await store.create('p', 'b', TEXT);
  await expect(store.create('p', 'c', TEXT)).rejects.toMatchObject({ code: 'too_many_streams' });
  const [a, b] = [await store.open('p', 'a'), await store.open('p', 'b')];
  await a.append(appendOf('x'.repeat(69)));
  await expect(a.append(appendOf('x'))).rejects.toMatchObject({ code: 'stream_full' });
  await expect(b.append(appendOf('x'.repeat(70)))).rejects.toMatchObject({ code: 'stream_full' });
  await store.close();
});

test('errors carry the limits', async () => {
  const log = await openLog({ engine: 'memory' });
  // Three appends of one byte fit exactly: each counts 256 bytes more.
  const store = await StreamStore.open({ log, limits: { streams: 2, bytes: 100, waitingBytes: 771 } });
  const made = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => store.create('p', name, TEXT)));
  expect(made.map((one) => (one.status === 'rejected' ? one.reason : 'made'))).toEqual([
    ...['made', 'made'],
    ...Array(2).fill(expect.objectContaining({ code: 'too_many_streams', facts: { limit: 2 } })),
  ]);
  await store.remove('p', 'b');
  await store.create('p', 'c', TEXT);
  const source = await store.open('p', 'a');
  await expect(source.append(appendOf('x'.repeat(100)))).rejects.toMatchObject({ code: 'stream_full' });
  const many = await Promise.allSettled(Array.from({ length: 10 }, () => source.append(appendOf('x'))));
  const codes = many.map((one) => (one.status === 'rejected' ? one.reason.code : 'stored'));
  expect(codes).toEqual([...Array(3).fill('stored'), ...Array(7).fill('at_capacity')]);
  for (const name of ['', '/', 'a//b', '../a', 'a\n', 'x'.repeat(513), '\ud800']) {
    await expect(async () => await store.open('p', name)).rejects.toMatchObject({
      code: 'invalid_stream_name',
    });
  }
});
