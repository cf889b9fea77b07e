import type { Rate } from './rate.js';
import { TokenBucket } from './token-bucket.js';

/**
 * A bucket for each key, all of one rate. A bucket that nobody took from for as long as filling it takes is full, and a
 * full bucket is the same as none: so keys live in two generations, of which the older is dropped whole each time that
 * long has passed. Memory holds the keys of the last two such spans, and nothing ever walks through them.
 */
export class BucketTable {
  readonly rate: Rate;
  readonly #fillMs: number;
  #recent = new Map<string, TokenBucket>();
  #older = new Map<string, TokenBucket>();
  #turnedAt = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.rate = rate;
    this.#fillMs = (rate.burst / rate.perSecond) * 1000;
  }

  /** The key's bucket, a full one where it has none. */
  of(key: string, now: number): TokenBucket {
    this.#turn(now);
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const bucket = this.#older.get(key) ?? new TokenBucket(this.rate, now);
    this.#recent.set(key, bucket);
    return bucket;
  }

  /** How many buckets are kept. */
  get size(): number {
    let both = 0;
    for (const key of this.#older.keys()) if (this.#recent.has(key)) both += 1;
    return this.#recent.size + this.#older.size - both;
  }

  #turn(now: number): void {
    const spans = (now - this.#turnedAt) / this.#fillMs;
    if (spans < 1) return;
    this.#older = spans < 2 ? this.#recent : new Map();
    this.#recent = new Map();
    this.#turnedAt = now;
  }
}
