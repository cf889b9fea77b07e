import { setImmediate } from 'node:timers/promises';
import { openLog } from '@weir/log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CreateOptions, type Expiry, StreamError, StreamStore } from './index.js';
import { appendOf, contentOf, JSON_STREAM, TEXT } from './testing/appends.js';

const forkOf = (source: string, offset: string | null = null, subOffset = 0): CreateOptions => ({
  ...TEXT,
  contentType: null,
  fork: { source, offset, subOffset },
});

interface ModelStream {
  readonly name: string;
  readonly parent: ModelStream | null;
  /** Its appends, each with the offset before it. */
  readonly appends: { readonly text: string; readonly before: string }[];
  readonly expiry: Expiry;
  /** By deletion or expiry. */
  isDeleted: boolean;
}

const isKept = (stream: ModelStream, all: readonly ModelStream[]): boolean =>
  !stream.isDeleted || all.some((fork) => fork.parent === stream && isKept(fork, all));

/** Expires within the hour. */
const SHORT: Expiry = { kind: 'ttl', seconds: 60 };
const LONG: Expiry = { kind: 'ttl', seconds: 1e9 };
const HOUR_MS = 3600_000;

const step = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    of: fc.nat(),
    text: fc.string({ minLength: 1, maxLength: 6 }),
  }),
  fc.record({
    kind: fc.constant('fork' as const),
    of: fc.nat(),
    at: fc.nat(),
    part: fc.nat(),
    expiry: fc.constantFrom(SHORT, LONG, null),
  }),
  fc.record({ kind: fc.constant('delete' as const), of: fc.nat() }),
  fc.record({ kind: fc.constant('reopen' as const) }),
  fc.record({ kind: fc.constant('sweep' as const) }),
  fc.record({ kind: fc.constant('an hour' as const) }),
  fc.record({ kind: fc.constant('make anew' as const), of: fc.nat() }),
);

test('forks keep exactly the content of their source, through deletions, expiries and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const log = await openLog({ engine: 'memory' });
      let now = 1_700_000_000_000;
      const open = () => StreamStore.open({ log, now: () => now });
      let store = await open();
      const sweep = async () => {
        // The scan of the streams at the start runs in the background.
        await setImmediate();
        await store.sweep();
      };
      await store.create('p', 's0', { ...TEXT, expiry: SHORT });
      const all: ModelStream[] = [{ name: 's0', parent: null, appends: [], expiry: SHORT, isDeleted: false }];
      for (const one of steps) {
        if (one.kind === 'reopen') {
          await store.close();
          store = await open();
          continue;
        }
        if (one.kind === 'sweep') {
          await sweep();
          continue;
        }
        if (one.kind === 'an hour') {
          now += HOUR_MS;
          for (const stream of all) stream.isDeleted ||= stream.expiry === SHORT;
          continue;
        }
        if (one.kind === 'make anew') {
          const gone = all.filter(({ isDeleted }) => isDeleted);
          const former = gone[one.of % gone.length];
          if (former === undefined) continue;
          const make = () => store.create('p', former.name, TEXT);
          if (isKept(former, all)) {
            await expect(make()).rejects.toMatchObject({ code: 'stream_deleted', status: 409 });
          } else {
            await sweep();
            expect(await make()).toMatchObject({ isNew: true });
            await store.remove('p', former.name);
          }
          continue;
        }
        const present = all.filter(({ isDeleted }) => !isDeleted);
        const stream = present[one.of % present.length];
        if (stream === undefined) break;
        if (one.kind === 'delete') {
          await store.remove('p', stream.name);
          stream.isDeleted = true;
        } else if (one.kind === 'append') {
          const source = await store.open('p', stream.name);
          const before = source.info.offset;
          await source.append(appendOf(one.text));
          stream.appends.push({ text: one.text, before });
          source.release();
        } else {
          const name = `s${all.length}`;
          const at = one.at % (stream.appends.length + 1);
          const next = stream.appends[at];
          const bytes = Buffer.from(next?.text ?? '');
          const part = next === undefined ? 0 : one.part % (bytes.length + 1);
          const fork = forkOf(stream.name, next?.before ?? null, part);
          const created = await store.create('p', name, { ...fork, expiry: one.expiry });
          const appends = stream.appends.slice(0, at);
          if (next !== undefined && part > 0)
            appends.push({ text: bytes.subarray(0, part).toString(), before: next.before });
          expect(created.isNew).toBe(true);
          const expiry = one.expiry ?? stream.expiry;
          all.push({ name, parent: stream, appends, expiry, isDeleted: false });
        }
      }
      await sweep();
      for (const stream of all) {
        const opened = store.open('p', stream.name);
        if (stream.isDeleted) {
          const code = isKept(stream, all) ? 'stream_deleted' : 'stream_not_found';
          await expect(opened).rejects.toMatchObject({ code });
          continue;
        }
        const source = await opened;
        expect(await contentOf(source, '-1', 1)).toBe(stream.appends.map(({ text }) => text).join(''));
        for (const [i, { before }] of stream.appends.entries()) {
          expect(source.locate(before)).toBe(i);
        }
        source.release();
      }
      for (const { name, isDeleted } of all.toReversed()) if (!isDeleted) await store.remove('p', name);
      await store.close();
      expect(await log.streams('stream')).toEqual([]);
      await log.close();
    }),
    { numRuns: 200 },
  );
}, 120_000);

test('a deletion that a crash interrupted is finished at the next start, and the name is free', async () => {
  const log = await openLog({ engine: 'memory' });
  const store = await StreamStore.open({ log });
  await store.create('p', 'a', { ...TEXT, body: Buffer.from('content') });
  const record = (await log.read('streams:p:a', { after: 0 })).at(-1);
  const removed = Buffer.from(record?.data ?? [])
    .toString()
    .replace('"present"', '"removed"');
  await store.close();
  await log.append('streams:p:a', [Buffer.from(removed)]);

  const next = await StreamStore.open({ log, limits: { streams: 1 } });
  await expect(next.open('p', 'a')).rejects.toMatchObject({ code: 'stream_not_found' });
  expect(await log.streams('stream')).toEqual([]);
  // The log has forgotten the name, and the project's count is reduced.
  expect((await log.stats('streams:p:a')).last).toBe(0);
  await next.create('p', 'b', TEXT);
  await next.remove('p', 'b');
  await next.close();
  const last = await StreamStore.open({ log, limits: { streams: 1 } });
  expect(await last.create('p', 'a', TEXT)).toMatchObject({ isNew: true });
  expect(await contentOf(await last.open('p', 'a'))).toBe('');
});

test('concurrent forks of each other, of themselves or too deep are refused, and none waits forever', async () => {
  const store = await StreamStore.open({
    log: await openLog({ engine: 'memory' }),
    limits: { forkDepth: 3 },
  });
  const code = (error: unknown) => (error instanceof StreamError ? error.code : error);
  const both = [store.create('p', 'a', forkOf('b')), store.create('p', 'b', forkOf('a'))];
  expect(await Promise.all(both.map((one) => one.catch(code)))).toEqual([
    'stream_not_found',
    'stream_not_found',
  ]);
  expect(await store.create('p', 'c', forkOf('c')).catch(code)).toBe('stream_not_found');
  await store.create('p', '0', TEXT);
  for (const n of [1, 2, 3]) await store.create('p', String(n), forkOf(String(n - 1)));
  expect(await store.create('p', '4', forkOf('3')).catch(code)).toBe('invalid_fork');
  // One stream is forked, appended to and deleted concurrently; each operation sees a consistent state.
  const source = await store.open('p', '0');
  const done = await Promise.allSettled([
    ...Array.from({ length: 10 }, (_, i) => store.create('p', `f${i}`, forkOf('0'))),
    ...Array.from({ length: 10 }, () => source.append(appendOf('x'))),
    store.remove('p', '0'),
  ]);
  expect(done.at(-1)?.status).toBe('fulfilled');
  for (const one of done) if (one.status === 'rejected') expect(code(one.reason)).toBe('stream_deleted');
  await expect(store.open('p', '0')).rejects.toMatchObject({ code: 'stream_deleted' });
});

test('a fork of JSON begins with whole messages, their text as sent', async () => {
  const store = await StreamStore.open({ log: await openLog({ engine: 'memory' }) });
  const body = Buffer.from('[ {"a,]":"\\",[{"} , [1,[2]], 12345678901234567890, "x" ]');
  await store.create('p', 'j', { ...JSON_STREAM, body });
  const start = '0000000000000000_0000000000000000';
  await store.create('p', 'f', { ...forkOf('j', start, 3), contentType: 'application/json' });
  const fork = await store.open('p', 'f');
  expect(await contentOf(fork)).toBe('{"a,]":"\\",[{"} , [1,[2]], 12345678901234567890');
});
