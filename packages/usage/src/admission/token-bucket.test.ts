import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketTable } from './bucket-table.js';
import { Rate } from './rate.js';
import { TokenBucket } from './token-bucket.js';

const rates = fc
  .record({ perSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }), burst: fc.nat(1_000) })
  .map(({ perSecond, burst }) => new Rate(perSecond, burst));
/** Milliseconds between requests, often none. */
const pauses = fc.array(fc.oneof(fc.constant(0), fc.nat(5_000)), { maxLength: 200 });

describe('a token bucket', () => {
  it('never admits more than the burst and the refill in any period', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        const bucket = new TokenBucket(rate, 0);
        const passed: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          if (bucket.take(rate, now) === 0) passed.push(now);
        }
        for (const [i, from] of passed.entries()) {
          for (const [j, to] of passed.entries()) {
            if (j < i) continue;
            expect(j - i + 1).toBeLessThanOrEqual(rate.burst + ((to - from) / 1000) * rate.perSecond + 1e-3);
          }
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('has a token after the announced wait, and none shortly before it', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, waits) => {
        const bucket = new TokenBucket(rate, 0);
        let now = 0;
        for (const pause of [...waits, 0]) {
          now += pause;
          while (bucket.take(rate, now) === 0);
          const wait = bucket.take(rate, now);
          // Announced in whole milliseconds, so two earlier is certainly too early.
          if (wait > 2) expect(bucket.take(rate, now + wait - 2)).toBeGreaterThan(0);
          expect(bucket.take(rate, now + wait)).toBe(0);
          now += wait;
        }
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it('returned to the bucket, a token leaves no trace of its request', () => {
    fc.assert(
      fc.property(rates, pauses, fc.array(fc.boolean(), { maxLength: 200 }), (rate, waits, isRefused) => {
        const bucket = new TokenBucket(rate, 0);
        const model = new TokenBucket(rate, 0);
        let now = 0;
        for (const [i, pause] of waits.entries()) {
          now += pause;
          if (isRefused[i] === true) {
            if (bucket.take(rate, now) === 0) bucket.giveBack();
          } else {
            const [wait, expected] = [bucket.take(rate, now), model.take(rate, now)];
            // Sums of fractions differ in their last digits, and so may the last millisecond.
            expect(Math.abs(wait - expected)).toBeLessThanOrEqual(1);
          }
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});

describe('a rate', () => {
  it('allows twice as much at once by default', () => {
    expect([new Rate(10), new Rate(0.25), new Rate(2.2), new Rate(5, 1)].map(String)).toEqual([
      '10:20',
      '0.25:1',
      '2.2:5',
      '5:1',
    ]);
  });
});

describe('buckets by key', () => {
  it('decide as if each were kept forever, and are dropped when they are full again', () => {
    const keys = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(rates, fc.array(fc.tuple(keys, fc.nat(3_000)), { maxLength: 300 }), (rate, requests) => {
        const table = new BucketTable(rate);
        const kept = new Map<string, TokenBucket>();
        let now = 0;
        for (const [key, pause] of requests) {
          now += pause;
          const model = kept.get(key) ?? new TokenBucket(rate, now);
          kept.set(key, model);
          const [wait, expected] = [table.of('p', key, now).take(rate, now), model.take(rate, now)];
          expect(Math.abs(wait - expected)).toBeLessThanOrEqual(1);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it('use no more memory than the keys of two periods', () => {
    const rate = new Rate(10, 10);
    const table = new BucketTable(rate);
    let most = 0;
    for (let i = 0; i < 100_000; i += 1) {
      table.of(`project ${i % 7}`, `key ${i}`, i).take(rate, i);
      if (i % 500 === 0) most = Math.max(most, table.size);
    }
    // A bucket is full after a second, in which a thousand keys arrive.
    expect(most).toBeLessThanOrEqual(2_000);
    expect(most).toBeGreaterThanOrEqual(1_000);
  });
});
