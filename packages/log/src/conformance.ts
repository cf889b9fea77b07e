// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import fc from 'fast-check';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery, Entry, Log } from './log.js';
import { LogError, type LogErrorCode } from './log-error.js';
import { encodePlace, offsetInEpoch } from './place.js';

/** How the suite gets at an engine. */
export interface ConformanceHarness {
  /** A new, empty log. The clock is unix milliseconds, for an engine that can be given one. */
  create(o: { readonly maxBytes?: number; readonly now: () => number }): Promise<Log>;
  /** Closes the log and opens it again; undefined for an engine that forgets. */
  readonly reopen: ((log: Log, o: { readonly now: () => number }) => Promise<Log>) | undefined;
  destroy(): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const texts = (entries: readonly Entry[]): string[] => entries.map((e) => Buffer.from(e.data).toString());
const offsets = (entries: readonly Entry[]): number[] => entries.map((e) => e.offset);

async function refused(code: LogErrorCode, attempt: Promise<unknown>): Promise<LogError> {
  const error = await attempt.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LogError);
  if (!(error instanceof LogError)) throw error;
  expect(error.code).toBe(code);
  return error;
}

async function take(log: Log, stream: string, after: number, count: number): Promise<Entry[]> {
  const got: Entry[] = [];
  if (count === 0) return got;
  for await (const entry of log.tail(stream, { after, signal: AbortSignal.timeout(20_000) })) {
    got.push(entry);
    if (got.length === count) break;
  }
  return got;
}

/** What every engine must do. Call it in a test file of the engine. */
export function describeLog(name: string, makeHarness: () => Promise<ConformanceHarness>): void {
  describe(`${name}: the log`, () => {
    let harness: ConformanceHarness;
    let log: Log;
    let clock = 1_800_000_000_000;
    const now = () => clock;

    beforeEach(async () => {
      harness = await makeHarness();
      log = await harness.create({ now });
    });
    afterEach(async () => {
      await log.close();
      await harness.destroy();
    });

    /** Closes and opens again, where the engine remembers. */
    async function restart(): Promise<void> {
      if (harness.reopen !== undefined) log = await harness.reopen(log, { now });
    }

    describe('append and read', () => {
      test('offsets are dense from 1 in each stream, and read back as written', async () => {
        expect(await log.append('a', [bytes('one'), bytes('two')])).toEqual({ first: 1, last: 2 });
        expect(await log.append('b', [bytes('')])).toEqual({ first: 1, last: 1 });
        expect(await log.append('a', [bytes('three')])).toEqual({ first: 3, last: 3 });
        await restart();
        const read = await log.read('a', { after: 0 });
        expect(offsets(read)).toEqual([1, 2, 3]);
        expect(texts(read)).toEqual(['one', 'two', 'three']);
        expect(texts(await log.read('a', { after: 2 }))).toEqual(['three']);
        expect(await log.read('a', { after: 3 })).toEqual([]);
        expect(await log.read('a', { after: 99 })).toEqual([]);
        expect(texts(await log.read('b', { after: 0 }))).toEqual(['']);
        expect(await log.read('never', { after: 0 })).toEqual([]);
      });

      test('an empty append stores nothing and says where the next would go', async () => {
        expect(await log.append('a', [])).toEqual({ first: 1, last: 0 });
        await log.append('a', [bytes('x')]);
        expect(await log.append('a', [])).toEqual({ first: 2, last: 1 });
      });

      test('limit and maxBytes bound a page, which has at least one entry', async () => {
        await log.append(
          'a',
          Array.from({ length: 50 }, (_, i) => Buffer.alloc(100, i)),
        );
        expect(offsets(await log.read('a', { after: 10, limit: 3 }))).toEqual([11, 12, 13]);
        expect(offsets(await log.read('a', { after: 0, maxBytes: 250 }))).toEqual([1, 2]);
        expect(offsets(await log.read('a', { after: 5, maxBytes: 1 }))).toEqual([6]);
        expect(await log.read('a', { after: 5, limit: 0 })).toEqual([]);
      });

      test('what was read belongs to the caller: writing to it changes nothing in the log', async () => {
        await log.append('a', [bytes('safe'), bytes('too')]);
        for (const { data } of await log.read('a', { after: 0 })) data.fill(0);
        expect(texts(await log.read('a', { after: 0 }))).toEqual(['safe', 'too']);
      });

      test('entries of any size and many at once survive', async () => {
        const sizes = [0, 1, 2000, 65_536, 300_000, 3_000_000, 5];
        await log.append(
          'big',
          sizes.map((n, i) => Buffer.alloc(n, i + 1)),
        );
        const many = Array.from({ length: 20_000 }, (_, i) => bytes(String(i)));
        await log.append('many', many);
        await restart();
        const read = await log.read('big', { after: 0, maxBytes: Infinity });
        expect(read.map((e) => e.data.byteLength)).toEqual(sizes);
        expect(read.every((e, i) => e.data.every((b) => b === i + 1))).toBe(true);
        expect(texts(await log.read('many', { after: 19_998 }))).toEqual(['19998', '19999']);
        expect(await log.read('many', { after: 0 })).toHaveLength(20_000);
      });

      test('concurrent appends each get their own offsets, and every call is kept together', async () => {
        const places = await Promise.all(
          Array.from({ length: 300 }, async (_, i) => {
            const place = await log.append(`s${i % 3}`, [bytes(`${i}.0`), bytes(`${i}.1`)]);
            const [entry] = await log.read(`s${i % 3}`, { after: place.first - 1, limit: 1 });
            expect(entry && texts([entry])).toEqual([`${i}.0`]);
            return place;
          }),
        );
        for (const s of [0, 1, 2]) {
          const mine = places.filter((_, i) => i % 3 === s).sort((a, b) => a.first - b.first);
          expect(mine.map((p) => p.first)).toEqual(mine.map((_, i) => 2 * i + 1));
          const read = texts(await log.read(`s${s}`, { after: 0 }));
          for (let i = 0; i < read.length; i += 2) {
            expect(read[i + 1]).toBe(read[i]?.replace('.0', '.1'));
          }
        }
      });

      test('appendAll stores its parts in one commit, a stream named twice in order', async () => {
        const places = await log.appendAll([
          { stream: 'a', entries: [bytes('1')] },
          { stream: 'b', entries: [bytes('2')] },
          { stream: 'a', entries: [bytes('3')] },
        ]);
        expect(places.map((p) => p.first)).toEqual([1, 1, 2]);
        expect(texts(await log.read('a', { after: 0 }))).toEqual(['1', '3']);
      });

      test('names are any text of 1 to 1,024 bytes; others are refused', async () => {
        const odd = ['ä/ö.*>', ' ', 'a'.repeat(1024), '_sys', 'a\u0000b'];
        for (const stream of odd) await log.append(stream, [bytes(stream)]);
        await restart();
        expect(new Set(await log.streams())).toEqual(new Set(odd));
        expect(await log.streams('a')).toEqual(['a\u0000b', 'a'.repeat(1024)]);
        await refused('invalid_stream', log.append('', [bytes('x')]));
        await refused('invalid_stream', log.append('a'.repeat(1025), [bytes('x')]));
      });
    });

    describe('tail', () => {
      test('waits for a stream that does not exist, and ends when aborted', async () => {
        const abort = new AbortController();
        const got: string[] = [];
        const tailing = (async () => {
          for await (const entry of log.tail('later', { after: 0, signal: abort.signal })) {
            got.push(...texts([entry]));
            if (got.length === 2) abort.abort();
          }
        })();
        await log.append('later', [bytes('x')]);
        await log.append('later', [bytes('y'), bytes('z')]);
        await tailing;
        expect(got).toEqual(['x', 'y']);
      });

      test('ends with log_closed when the log closes', async () => {
        const ended = refused('log_closed', take(log, 'a', 0, 1));
        await log.close();
        await ended;
      });

      test('history then live, no hole, no repeat, whatever is appended meanwhile', async () => {
        const batches = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
        const readers = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });
        let run = 0;
        await fc.assert(
          fc.asyncProperty(batches, batches, readers, async (history, live, starts) => {
            const stream = `tail-${run++}`;
            const total = [...history, ...live].reduce((a, b) => a + b, 0);
            let n = 0;
            const batch = (size: number) => Array.from({ length: size }, () => bytes(String(++n)));
            await Promise.all(history.map((size) => log.append(stream, batch(size))));
            const reading = starts.map(async (start) => {
              const after = Math.floor(start * total);
              const got = await take(log, stream, after, total - after);
              expect(offsets(got)).toEqual(Array.from({ length: total - after }, (_, i) => after + 1 + i));
              expect(texts(got)).toEqual(offsets(got).map(String));
            });
            for (const size of live) await log.append(stream, batch(size));
            await Promise.all(reading);
          }),
          { numRuns: 25 },
        );
      });
    });

    describe('trim and remove', () => {
      test('keeps counts, and says cursor_expired instead of skipping', async () => {
        for (let i = 1; i <= 30; i++) await log.append('a', [Buffer.alloc(10, i), Buffer.alloc(30, i)]);
        await log.trim('a', 32);
        await restart();
        expect(await log.stats('a')).toEqual({ first: 32, last: 60, entries: 29, bytes: 14 * 40 + 30 });
        const error = await refused('cursor_expired', log.read('a', { after: 30 }));
        expect(error.oldest).toBe(32);
        expect(error.missed).toBe(1);
        await refused('cursor_expired', take(log, 'a', 0, 1));
        expect(offsets(await log.read('a', { after: 31, limit: 2 }))).toEqual([32, 33]);
        await log.trim('a', 5);
        expect((await log.stats('a')).first).toBe(32);
      });

      test('trimmed empty, restarted and removed, offsets go on', async () => {
        await log.append('a', [bytes('1'), bytes('2')]);
        const before = await log.size();
        await log.trim('a', Infinity);
        expect(await log.stats('a')).toEqual({ first: 3, last: 2, entries: 0, bytes: 0 });
        expect((await log.size()).bytes).toBeLessThan(before.bytes);
        await restart();
        expect(await log.append('a', [bytes('3')])).toEqual({ first: 3, last: 3 });
        await log.remove('a');
        expect(await log.streams()).toEqual([]);
        expect(await log.stats('a')).toEqual({ first: 4, last: 3, entries: 0, bytes: 0 });
        expect((await log.size()).bytes).toBe(0);
        await refused('cursor_expired', log.read('a', { after: 1 }));
        await restart();
        expect(await log.read('a', { after: 3 })).toEqual([]);
        expect(await log.append('a', [bytes('4')])).toEqual({ first: 4, last: 4 });
        expect(texts(await log.read('a', { after: 3 }))).toEqual(['4']);
      });

      test('remove takes cursors and groups with it, and leaves other streams alone', async () => {
        for (const s of ['a', 'ab', 'b']) await log.append(s, [bytes(s)]);
        for (const s of ['a', 'ab']) await log.cursor(s, 'r').commit(1);
        await log.group('a', 'g').pull({ max: 1 });
        await log.remove('a');
        expect(await log.streams()).toEqual(['ab', 'b']);
        await log.append('a', [bytes('anew')]);
        await restart();
        expect(await log.cursor('a', 'r').get()).toBeUndefined();
        expect((await log.cursor('ab', 'r').get())?.offset).toBe(1);
        expect(await log.group('a', 'g').stats()).toMatchObject({ pending: 0, delivered: 1 });
        expect(texts(await log.group('a', 'g').pull({ max: 9 }))).toEqual(['anew']);
      });

      test('a long stream is trimmed and removed whole', async () => {
        for (let i = 0; i < 40; i++) {
          await Promise.all(Array.from({ length: 100 }, () => log.append('long', [Buffer.alloc(3000)])));
        }
        await log.trim('long', 2001);
        expect(offsets(await log.read('long', { after: 2000, limit: 1 }))).toEqual([2001]);
        await log.remove('long');
        expect((await log.size()).bytes).toBe(0);
      });

      test('a model of appends, trims, removals and reads agrees', async () => {
        const step = fc.oneof(
          {
            weight: 5,
            arbitrary: fc.record({ do: fc.constant('append' as const), n: fc.integer({ min: 1, max: 9 }) }),
          },
          {
            weight: 3,
            arbitrary: fc.record({ do: fc.constant('trim' as const), n: fc.integer({ min: 0, max: 60 }) }),
          },
          { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), n: fc.constant(0) }) },
          { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), n: fc.constant(0) }) },
        );
        let run = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
            const stream = `model-${run++}`;
            let first = 1;
            let kept: string[] = [];
            const pending: Promise<unknown>[] = [];
            for (const { do: what, n } of steps) {
              if (what === 'append') {
                const fresh = Array.from({ length: n }, (_, i) => `${first + kept.length + i}`);
                kept = [...kept, ...fresh];
                pending.push(log.append(stream, fresh.map(bytes)));
              } else {
                // A trim reaches only what was durable when it was asked for.
                await Promise.all(pending);
                if (what === 'restart') await restart();
                if (what === 'remove') await log.remove(stream);
                if (what === 'trim') await log.trim(stream, n);
                const gone = what === 'remove' ? kept.length : what === 'trim' ? n - first : 0;
                const drop = Math.max(0, Math.min(kept.length, gone));
                kept = kept.slice(drop);
                first += drop;
              }
            }
            await Promise.all(pending);
            const stats = await log.stats(stream);
            expect(stats.first).toBe(first);
            expect(stats.last).toBe(first + kept.length - 1);
            expect(stats.entries).toBe(kept.length);
            expect(stats.bytes).toBe(kept.join('').length);
            expect(texts(await log.read(stream, { after: first - 1 }))).toEqual(kept);
          }),
          { numRuns: 30 },
        );
      });
    });

    describe('cursors', () => {
      test('keep offset and state, each reader its own, across a restart', async () => {
        const cursor = log.cursor('a', 'flusher');
        expect(await cursor.get()).toBeUndefined();
        await cursor.commit(7, bytes('state'));
        await log.cursor('a', 'other').commit(3);
        await Promise.all([cursor.commit(8, bytes('x')), cursor.commit(9, bytes('last'))]);
        await restart();
        const read = await log.cursor('a', 'flusher').get();
        expect(read?.offset).toBe(9);
        expect(Buffer.from(read?.state ?? []).toString()).toBe('last');
        expect((await log.cursor('a', 'other').get())?.state.byteLength).toBe(0);
      });

      test('as text they carry the epoch, and another log refuses them', async () => {
        const text = encodePlace({ epoch: log.epoch, offset: 123_456_789_012 });
        expect(offsetInEpoch(text, log.epoch)).toBe(123_456_789_012);
        await refused('epoch_mismatch', (async () => offsetInEpoch(text, log.epoch + 1))());
        for (const bad of ['', 'x', `${text}A`, `${text} `, '!'.repeat(14), text.slice(1)]) {
          await refused('cursor_invalid', (async () => offsetInEpoch(bad, log.epoch))());
        }
      });

      test('the epoch stays while the log lives, and a log made later has a greater one', async () => {
        const { epoch } = log;
        expect(epoch).toBe(Math.floor(clock / 1000));
        clock += 5000;
        await restart();
        expect(log.epoch).toBe(epoch);
        const another = await makeHarness();
        const later = await another.create({ now });
        expect(later.epoch).toBeGreaterThan(epoch);
        await later.close();
        await another.destroy();
      });
    });

    describe('groups', () => {
      const ids = (deliveries: readonly Delivery[]) => deliveries.map((d) => d.id);

      test('members share the entries; acknowledged ones never come again', async () => {
        await log.append(
          'a',
          Array.from({ length: 10 }, (_, i) => bytes(String(i + 1))),
        );
        const [one, two] = [log.group('a', 'g'), log.group('a', 'g')];
        const [first, second] = await Promise.all([one.pull({ max: 4 }), two.pull({ max: 4 })]);
        expect([...offsets(first), ...offsets(second)].sort((x, y) => x - y)).toEqual([
          1, 2, 3, 4, 5, 6, 7, 8,
        ]);
        expect(await one.ack(ids(first))).toBe(4);
        expect(await one.ack(ids(first))).toBe(0);
        expect(await two.stats()).toEqual({ delivered: 8, pending: 4, needs: second[0]?.offset });
        await restart();
        clock += 31_000;
        const again = await log.group('a', 'g').pull({ max: 100 });
        expect(offsets(again)).toEqual([...offsets(second), 9, 10]);
        expect(again.map((d) => d.attempt)).toEqual([2, 2, 2, 2, 1, 1]);
        expect(texts(again)).toEqual(offsets(again).map(String));
      });

      test('before the deadline nothing comes again; extend moves it', async () => {
        await log.append('a', [bytes('x'), bytes('y')]);
        const group = log.group('a', 'g', { ackWaitMs: 1000 });
        const [x, y] = await group.pull({ max: 2 });
        if (x === undefined || y === undefined) throw new Error('nothing pulled');
        clock += 900;
        expect(await group.pull({ max: 2 })).toEqual([]);
        expect(await group.extend([x.id], { forMs: 5000 })).toBe(1);
        clock += 200;
        expect(offsets(await group.pull({ max: 2 }))).toEqual([y.offset]);
        clock += 5000;
        expect((await group.pull({ max: 1 })).map((d) => [d.offset, d.attempt])).toEqual([[y.offset, 2 + 1]]);
      });

      test('nack brings an entry back at once or after a delay, unless it was lent anew', async () => {
        await log.append('a', [bytes('x')]);
        const group = log.group('a', 'g', { ackWaitMs: 1000 });
        const first = await group.pull({ max: 1 });
        expect(await group.nack(ids(first))).toBe(1);
        const second = await group.pull({ max: 1 });
        expect(second.map((d) => d.attempt)).toEqual([2]);
        expect(await group.nack(ids(first))).toBe(0);
        expect(await group.nack(ids(second), { delayMs: 500 })).toBe(1);
        expect(await group.pull({ max: 1 })).toEqual([]);
        clock += 501;
        expect((await group.pull({ max: 1 })).map((d) => d.attempt)).toEqual([3]);
        await refused('cursor_invalid', group.ack(['nonsense']));
      });

      test('a pull waits for an append, for a nack, and no longer than told', async () => {
        const group = log.group('a', 'g');
        expect(await group.pull({ max: 1, waitMs: 5 })).toEqual([]);
        const waiting = group.pull({ max: 5, waitMs: 20_000 });
        await log.append('a', [bytes('x')]);
        const got = await waiting;
        expect(texts(got)).toEqual(['x']);
        const again = group.pull({ max: 5, waitMs: 20_000 });
        await group.nack(ids(got));
        expect(texts(await again)).toEqual(['x']);
        const abort = new AbortController();
        const aborted = group.pull({ max: 1, waitMs: 20_000, signal: abort.signal });
        abort.abort();
        expect(await aborted).toEqual([]);
      });

      test('starts where told, once; several groups of a stream do not meet', async () => {
        await log.append('a', [bytes('1'), bytes('2'), bytes('3')]);
        expect(await log.group('a', 'late', { after: 2 }).create()).toBe(true);
        expect(await log.group('a', 'late', { after: 0 }).create()).toBe(false);
        const [late, all] = await Promise.all([
          log.group('a', 'late').pull({ max: 9 }),
          log.group('a', 'all').pull({ max: 9 }),
        ]);
        expect(offsets(late)).toEqual([3]);
        expect(offsets(all)).toEqual([1, 2, 3]);
        await log.group('a', 'all').remove();
        await restart();
        expect(await log.group('a', 'late').stats()).toMatchObject({ pending: 1, delivered: 3 });
        expect(await log.group('a', 'all').stats()).toMatchObject({ pending: 0, delivered: 0 });
      });

      test('one that trimming passes by is told once how much it missed, then goes on', async () => {
        await log.append(
          'a',
          Array.from({ length: 10 }, (_, i) => bytes(String(i + 1))),
        );
        const group = log.group('a', 'g');
        await group.pull({ max: 2 });
        await log.trim('a', 6);
        const error = await refused('cursor_expired', group.pull({ max: 10 }));
        expect(error).toMatchObject({ missed: 5, oldest: 6 });
        await restart();
        expect(offsets(await log.group('a', 'g').pull({ max: 10 }))).toEqual([6, 7, 8, 9, 10]);
      });

      test('members that die, nack and acknowledge at random process everything at least once', async () => {
        const total = 400;
        const done = new Set<number>();
        const group = log.group('a', 'g', { ackWaitMs: 50 });
        let seed = 7;
        const random = () => {
          seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
          return seed / 2 ** 31;
        };
        const member = async () => {
          while (done.size < total) {
            const got = await group.pull({ max: 7, waitMs: 1 });
            const dice = random();
            if (dice < 0.2) clock += 60;
            else if (dice < 0.4) await group.nack(ids(got));
            else {
              await group.ack(ids(got));
              for (const { offset } of got) done.add(offset);
            }
          }
        };
        const appending = (async () => {
          for (let i = 0; i < total / 10; i++)
            await log.append(
              'a',
              Array.from({ length: 10 }, () => bytes('x')),
            );
        })();
        await Promise.all([appending, member(), member(), member(), member()]);
        expect(await group.stats()).toMatchObject({ pending: 0, delivered: total });
      });
    });

    describe('bounds and end', () => {
      test('past maxBytes appends fail with log_full, reads go on, and a trim makes room', async () => {
        const other = await makeHarness();
        const small = await other.create({ now, maxBytes: 50_000 });
        const outcomes = await Promise.allSettled(
          Array.from({ length: 100 }, () => small.append('a', [Buffer.alloc(1000)])),
        );
        const stored = outcomes.filter((o) => o.status === 'fulfilled').length;
        expect(stored).toBeGreaterThan(40);
        expect(stored).toBeLessThan(51);
        const error = await refused('log_full', small.append('a', [Buffer.alloc(1000)]));
        expect(error).toMatchObject({ retryable: true, status: 503 });
        expect(await small.read('a', { after: 0 })).toHaveLength(stored);
        expect((await small.size()).bytes).toBeLessThanOrEqual(50_000);
        await small.cursor('a', 'r').commit(stored);
        await small.trim('a', 20);
        expect(await small.append('a', [Buffer.alloc(1000)])).toEqual({
          first: stored + 1,
          last: stored + 1,
        });
        await small.close();
        await other.destroy();
      });

      test('close finishes what was begun, then everything is refused', async () => {
        const begun = Array.from({ length: 50 }, (_, i) => log.append('a', [bytes(String(i))]));
        const closing = log.close();
        await refused('log_closed', log.append('a', [bytes('late')]));
        expect((await Promise.all(begun)).map((p) => p.first)).toEqual(begun.map((_, i) => i + 1));
        await closing;
        await log.close();
        await refused('log_closed', log.read('a', { after: 0 }));
        await refused('log_closed', log.cursor('a', 'r').commit(1));
        await refused('log_closed', log.group('a', 'g').pull({ max: 1 }));
        if (harness.reopen === undefined) return;
        log = await harness.reopen(log, { now });
        expect((await log.stats('a')).entries).toBe(50);
      });
    });
  });
}
