// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import fc from 'fast-check';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { describe, expect, test } from 'vitest';
import { bytes, offsets, refused, type Trial, take, texts } from './trial.js';

/** Appends and reads. */
export function describeEntries(t: Trial): void {
  describe('append and read', () => {
    test('offsets are dense from 1 in each stream, and entries are read back unchanged', async () => {
      expect(await t.log.append('a', [bytes('one'), bytes('two')])).toEqual({ first: 1, last: 2 });
      expect(await t.log.append('b', [bytes('')])).toEqual({ first: 1, last: 1 });
      expect(await t.log.append('a', [bytes('three')])).toEqual({ first: 3, last: 3 });
      await t.restart();
      const read = await t.log.read('a', { after: 0 });
      expect(offsets(read)).toEqual([1, 2, 3]);
      expect(texts(read)).toEqual(['one', 'two', 'three']);
      expect(texts(await t.log.read('a', { after: 2 }))).toEqual(['three']);
      expect(await t.log.read('a', { after: 3 })).toEqual([]);
      expect(await t.log.read('a', { after: 99 })).toEqual([]);
      expect(texts(await t.log.read('b', { after: 0 }))).toEqual(['']);
      expect(await t.log.read('never', { after: 0 })).toEqual([]);
    });

    test('an empty append stores nothing and returns the next offset', async () => {
      expect(await t.log.append('a', [])).toEqual({ first: 1, last: 0 });
      await t.log.append('a', [bytes('x')]);
      expect(await t.log.append('a', [])).toEqual({ first: 2, last: 1 });
    });

    test('limit and maxBytes bound a page, which has at least one entry', async () => {
      await t.log.append(
        'a',
        Array.from({ length: 50 }, (_, i) => Buffer.alloc(100, i)),
      );
      expect(offsets(await t.log.read('a', { after: 10, limit: 3 }))).toEqual([11, 12, 13]);
      expect(offsets(await t.log.read('a', { after: 0, maxBytes: 250 }))).toEqual([1, 2]);
      expect(offsets(await t.log.read('a', { after: 5, maxBytes: 1 }))).toEqual([6]);
      expect(await t.log.read('a', { after: 5, limit: 0 })).toEqual([]);
    });

    test('read entries belong to the caller: changing them does not change the log', async () => {
      await t.log.append('a', [bytes('safe'), bytes('too')]);
      for (const { data } of await t.log.read('a', { after: 0 })) data.fill(0);
      expect(texts(await t.log.read('a', { after: 0 }))).toEqual(['safe', 'too']);
    });

    test('entries of any size, and many at once, are stored', async () => {
      const sizes = [0, 1, 2000, 65_536, 300_000, 3_000_000, 5];
      await t.log.append(
        'big',
        sizes.map((n, i) => Buffer.alloc(n, i + 1)),
      );
      const many = Array.from({ length: 20_000 }, (_, i) => bytes(String(i)));
      await t.log.append('many', many);
      await t.restart();
      const read = await t.log.read('big', { after: 0, maxBytes: Infinity });
      expect(read.map((e) => e.data.byteLength)).toEqual(sizes);
      expect(read.every((e, i) => e.data.every((b) => b === i + 1))).toBe(true);
      expect(texts(await t.log.read('many', { after: 19_998 }))).toEqual(['19998', '19999']);
      expect(await t.log.read('many', { after: 0 })).toHaveLength(20_000);
    });

    test('an entry is visible once its append has resolved, and not before', async () => {
      const appending = t.log.append('a', [bytes('x')]);
      expect(await t.log.read('a', { after: 0 })).toEqual([]);
      expect((await t.log.stats('a')).last).toBe(0);
      await appending;
      expect(texts(await t.log.read('a', { after: 0 }))).toEqual(['x']);
    });

    test('concurrent appends get separate offsets, and the entries of a call stay together', async () => {
      const places = await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          const place = await t.log.append(`s${i % 3}`, [bytes(`${i}.0`), bytes(`${i}.1`)]);
          const [entry] = await t.log.read(`s${i % 3}`, { after: place.first - 1, limit: 1 });
          expect(entry && texts([entry])).toEqual([`${i}.0`]);
          return place;
        }),
      );
      for (const s of [0, 1, 2]) {
        const mine = places.filter((_, i) => i % 3 === s).sort((a, b) => a.first - b.first);
        expect(mine.map((p) => p.first)).toEqual(mine.map((_, i) => 2 * i + 1));
        const read = texts(await t.log.read(`s${s}`, { after: 0 }));
        for (let i = 0; i < read.length; i += 2) {
          expect(read[i + 1]).toBe(read[i]?.replace('.0', '.1'));
        }
      }
    });

    test('many concurrent appends are stored in the order of the calls', async () => {
      const flood = Array.from({ length: 12_000 }, (_, i) =>
        t.log.append('a', [i % 500 === 0 ? Buffer.alloc(1_000_000) : bytes(String(i))]),
      );
      expect((await Promise.all(flood)).map((p) => p.first)).toEqual(flood.map((_, i) => i + 1));
      expect(texts(await t.log.read('a', { after: 11_998 }))).toEqual(['11998', '11999']);
    });

    test('appendAll stores its parts in one commit, also several parts of a stream in order', async () => {
      const places = await t.log.appendAll([
        { stream: 'a', entries: [bytes('1')] },
        { stream: 'b', entries: [bytes('2')] },
        { stream: 'a', entries: [bytes('3')] },
      ]);
      expect(places.map((p) => p.first)).toEqual([1, 1, 2]);
      expect(texts(await t.log.read('a', { after: 0 }))).toEqual(['1', '3']);
    });

    test('names are any text of 1 to 1,024 bytes; others are rejected', async () => {
      const odd = ['ä/ö.*>', ' ', 'a'.repeat(1024), '_sys', 'a\u0000b'];
      for (const stream of odd) await t.log.append(stream, [bytes(stream)]);
      await t.restart();
      expect(new Set(await t.log.streams())).toEqual(new Set(odd));
      expect(await t.log.streams('a')).toEqual(['a\u0000b', 'a'.repeat(1024)]);
      await refused('invalid_stream', t.log.append('', [bytes('x')]));
      await refused('invalid_stream', t.log.append('a'.repeat(1025), [bytes('x')]));
    });
  });
}

/** Following a stream. */
export function describeTail(t: Trial): void {
  describe('tail', () => {
    test('waits for a stream that does not exist, and ends when aborted', async () => {
      const abort = new AbortController();
      const got: string[] = [];
      const tailing = (async () => {
        for await (const entry of t.log.tail('later', { after: 0, signal: abort.signal })) {
          got.push(...texts([entry]));
          if (got.length === 2) abort.abort();
        }
      })();
      await t.log.append('later', [bytes('x')]);
      await t.log.append('later', [bytes('y'), bytes('z')]);
      await tailing;
      expect(got).toEqual(['x', 'y']);
    });

    test('a wait ends with the first entry after its position, at once if there is one, and when aborted', async () => {
      const abort = new AbortController();
      let woken = 0;
      const wait = async (after: number) => {
        await t.log.wait('awaited', { after, signal: abort.signal });
        woken += 1;
      };
      const [first, second] = [wait(0), wait(1)];
      await t.log.append('other', [bytes('o')]);
      expect(woken).toBe(0);
      await t.log.append('awaited', [bytes('x')]);
      await first;
      expect(woken).toBe(1);
      await wait(0);
      expect(woken).toBe(2);
      abort.abort();
      await second;
      expect(woken).toBe(3);
    });

    test('ends with draining when the log closes', async () => {
      const ended = refused('draining', take(t.log, 'a', 0, 1));
      await t.log.close();
      await ended;
    });

    test('history then live, without gaps or repeats, for any concurrent appends', async () => {
      const batches = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
      const readers = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(batches, batches, readers, async (history, live, starts) => {
          const stream = `tail-${run++}`;
          const total = [...history, ...live].reduce((a, b) => a + b, 0);
          let n = 0;
          const batch = (size: number) => Array.from({ length: size }, () => bytes(String(++n)));
          await Promise.all(history.map((size) => t.log.append(stream, batch(size))));
          const reading = starts.map(async (start) => {
            const after = Math.floor(start * total);
            const got = await take(t.log, stream, after, total - after);
            expect(offsets(got)).toEqual(Array.from({ length: total - after }, (_, i) => after + 1 + i));
            expect(texts(got)).toEqual(offsets(got).map(String));
          });
          for (const size of live) await t.log.append(stream, batch(size));
          await Promise.all(reading);
        }),
        { numRuns: 25 },
      );
    });
  });
}
