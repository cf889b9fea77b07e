// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import fc from 'fast-check';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { describe, expect, test } from 'vitest';
import { bytes, offsets, refused, type Trial, take, texts } from './trial.js';

/** Trims and removals. */
export function describeRetention(t: Trial): void {
  describe('trim and remove', () => {
    test('counts stay correct, and cursor_expired is thrown instead of skipping', async () => {
      for (let i = 1; i <= 30; i++) await t.log.append('a', [Buffer.alloc(10, i), Buffer.alloc(30, i)]);
      await t.log.trim('a', 32);
      await t.restart();
      expect(await t.log.stats('a')).toEqual({ first: 32, last: 60, entries: 29, bytes: 14 * 40 + 30 });
      const error = await refused('cursor_expired', t.log.read('a', { after: 30 }));
      expect(error.facts.oldest).toBe(32);
      expect(error.facts.missed).toBe(1);
      await refused('cursor_expired', take(t.log, 'a', 0, 1));
      expect(offsets(await t.log.read('a', { after: 31, limit: 2 }))).toEqual([32, 33]);
      await t.log.trim('a', 5);
      expect((await t.log.stats('a')).first).toBe(32);
    });

    test('offsets continue after a full trim, a restart and a removal', async () => {
      await t.log.append('a', [bytes('1'), bytes('2')]);
      const before = await t.log.size();
      await t.log.trim('a', Infinity);
      expect(await t.log.stats('a')).toEqual({ first: 3, last: 2, entries: 0, bytes: 0 });
      expect((await t.log.size()).bytes).toBeLessThan(before.bytes);
      await t.restart();
      expect(await t.log.append('a', [bytes('3')])).toEqual({ first: 3, last: 3 });
      await t.log.remove('a');
      expect(await t.log.streams()).toEqual([]);
      expect(await t.log.stats('a')).toEqual({ first: 4, last: 3, entries: 0, bytes: 0 });
      expect((await t.log.size()).bytes).toBe(0);
      await refused('cursor_expired', t.log.read('a', { after: 1 }));
      await t.restart();
      expect(await t.log.read('a', { after: 3 })).toEqual([]);
      expect(await t.log.append('a', [bytes('4')])).toEqual({ first: 4, last: 4 });
      expect(texts(await t.log.read('a', { after: 3 }))).toEqual(['4']);
    });

    test('a removed stream with a forgotten name leaves nothing, whenever it is forgotten', async () => {
      await t.log.append('kept', [bytes('1')]);
      for (const name of ['at once', 'later']) await t.log.append(name, [bytes('1'), bytes('2')]);
      await t.log.remove('at once', { forget: true });
      await t.log.remove('later');
      expect((await t.log.stats('later')).last).toBe(2);
      await t.restart();
      await t.log.remove('later', { forget: true });
      await t.log.remove('never there', { forget: true });
      await t.restart();
      for (const name of ['at once', 'later']) {
        expect(await t.log.stats(name)).toEqual({ first: 1, last: 0, entries: 0, bytes: 0 });
        expect(await t.log.append(name, [bytes('anew')])).toEqual({ first: 1, last: 1 });
        await t.log.remove(name);
        await t.restart();
        expect(await t.log.append(name, [bytes('on')])).toEqual({ first: 2, last: 2 });
      }
      expect(texts(await t.log.read('kept', { after: 0 }))).toEqual(['1']);
    });

    test('a removal deletes cursors and groups, and leaves other streams unchanged', async () => {
      for (const s of ['a', 'ab', 'b']) await t.log.append(s, [bytes(s)]);
      for (const s of ['a', 'ab']) await t.log.cursor(s, 'r').commit(1);
      await t.log.group('a', 'g').pull({ max: 1 });
      await t.log.remove('a');
      expect(await t.log.streams()).toEqual(['ab', 'b']);
      await t.log.append('a', [bytes('anew')]);
      await t.restart();
      expect(await t.log.cursor('a', 'r').get()).toBeUndefined();
      expect((await t.log.cursor('ab', 'r').get())?.offset).toBe(1);
      expect(await t.log.group('a', 'g').stats()).toMatchObject({ pending: 0, delivered: 1 });
      expect(texts(await t.log.group('a', 'g').pull({ max: 9 }))).toEqual(['anew']);
    });

    test('a long stream is trimmed and removed completely', async () => {
      for (let i = 0; i < 40; i++) {
        await Promise.all(Array.from({ length: 100 }, () => t.log.append('long', [Buffer.alloc(3000)])));
      }
      await t.log.trim('long', 2001);
      expect(offsets(await t.log.read('long', { after: 2000, limit: 1 }))).toEqual([2001]);
      await t.log.remove('long');
      expect((await t.log.size()).bytes).toBe(0);
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
              pending.push(t.log.append(stream, fresh.map(bytes)));
            } else {
              // A trim reaches only entries that were durable when it was requested.
              await Promise.all(pending);
              if (what === 'restart') await t.restart();
              if (what === 'remove') await t.log.remove(stream);
              if (what === 'trim') await t.log.trim(stream, n);
              const gone = what === 'remove' ? kept.length : what === 'trim' ? n - first : 0;
              const drop = Math.max(0, Math.min(kept.length, gone));
              kept = kept.slice(drop);
              first += drop;
            }
          }
          await Promise.all(pending);
          const stats = await t.log.stats(stream);
          expect(stats.first).toBe(first);
          expect(stats.last).toBe(first + kept.length - 1);
          expect(stats.entries).toBe(kept.length);
          expect(stats.bytes).toBe(kept.join('').length);
          expect(texts(await t.log.read(stream, { after: first - 1 }))).toEqual(kept);
        }),
        { numRuns: 30 },
      );
    });
  });
}
