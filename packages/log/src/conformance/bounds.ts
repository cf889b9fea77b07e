// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { describe, expect, test } from 'vitest';
import { bytes, refused, type Trial } from './trial.js';

/** A full log and a closed log. */
export function describeBounds(t: Trial): void {
  describe('bounds and end', () => {
    test('beyond maxBytes appends fail with log_full, reads continue, and a trim makes room', async () => {
      const other = await t.makeHarness();
      const small = await other.create({ now: t.now, maxBytes: 50_000 });
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

    test('reserved appends exceed maxBytes by up to an eighth, also in several streams', async () => {
      const other = await t.makeHarness();
      const small = await other.create({ now: t.now, maxBytes: 50_000 });
      for (const size of [10_000, 1000, 1]) {
        let hasRoom = true;
        while (hasRoom) hasRoom = await fits(small.append('a', [Buffer.alloc(size)]));
      }
      const both = [
        { stream: 'b', entries: [Buffer.alloc(1000)] },
        { stream: 'c', entries: [Buffer.alloc(1000)] },
      ];
      await refused('log_full', small.appendAll(both));
      expect(await small.streams()).toEqual(['a']);
      await small.appendAll(both, { reserve: true });
      const large = [{ stream: 'b', entries: [Buffer.alloc(7000)] }];
      await refused('log_full', small.appendAll(large, { reserve: true }));
      await small.remove('a');
      await small.appendAll(both);
      await small.close();
      await other.destroy();
    });

    test('an owner with more than a quarter is rejected while less than a quarter is free, others are not', async () => {
      const other = await t.makeHarness();
      let small = await other.create({ now: t.now, maxBytes: 100_000 });
      const append = (stream: string, owner: string, size: number) =>
        small.append(stream, [Buffer.alloc(size)], { owner });
      // Without other owners, a project may use most of the log.
      for (let i = 0; i < 7; i += 1) await append('a', 'hog', 10_000);
      const error = await refused('project_quota', append('b', 'hog', 10_000));
      expect(error).toMatchObject({ status: 503, retryable: true });
      // Queued bytes of a project count as well.
      await append('c', 'other', 1_000);
      const [first, second] = await Promise.allSettled([
        append('c', 'other', 10_000),
        append('d', 'other', 9_000),
      ]);
      expect([first?.status, second?.status]).toEqual(['fulfilled', 'fulfilled']);
      await refused('project_quota', append('a', 'hog', 1));
      await small.append('nobody', [Buffer.alloc(1)]);
      await small.append('a', [Buffer.alloc(1)], { owner: 'hog', reserve: true });
      expect((await small.size()).quotaRefusals).toBe(2);
      if (other.reopen !== undefined) {
        small = await other.reopen(small, { now: t.now, maxBytes: 100_000 });
        await refused('project_quota', append('a', 'hog', 1));
      }
      await small.trim('a', 8);
      await append('a', 'hog', 10_000);
      await small.remove('a');
      await append('a', 'hog', 20_000);
      await small.close();
      await other.destroy();
    });

    test('close completes pending writes, then rejects everything', async () => {
      const begun = Array.from({ length: 50 }, (_, i) => t.log.append('a', [bytes(String(i))]));
      const closing = t.log.close();
      await refused('draining', t.log.append('a', [bytes('late')]));
      expect((await Promise.all(begun)).map((p) => p.first)).toEqual(begun.map((_, i) => i + 1));
      await closing;
      await t.log.close();
      await refused('draining', t.log.read('a', { after: 0 }));
      await refused('draining', t.log.cursor('a', 'r').commit(1));
      await refused('draining', t.log.group('a', 'g').pull({ max: 1 }));
      if (t.harness.reopen === undefined) return;
      t.log = await t.harness.reopen(t.log, { now: t.now });
      expect((await t.log.stats('a')).entries).toBe(50);
    });
  });
}

async function fits(append: Promise<unknown>): Promise<boolean> {
  return await append.then(
    () => true,
    () => false,
  );
}
