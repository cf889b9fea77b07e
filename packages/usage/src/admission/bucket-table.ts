import type { Rate } from './rate.js';
import { TokenBucket } from './token-bucket.js';

type Buckets = Map<string, Map<string, TokenBucket>>;

/**
 * A bucket for each credential of each project, all of one rate. A bucket that nobody took from for as long as filling it
 * takes is full, and a full bucket is the same as none: so they live in two generations, of which the older is dropped
 * whole each time that long has passed. Memory holds what was used in the last two such spans, and nothing ever walks
 * through it.
 *
 * Maps of maps, because a key made of both ids would have to be written and hashed anew for each request.
 */
export class BucketTable {
  readonly rate: Rate;
  readonly #fillMs: number;
  #recent: Buckets = new Map();
  #older: Buckets = new Map();
  #turnedAt = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.rate = rate;
    this.#fillMs = (rate.burst / rate.perSecond) * 1000;
  }

  /** The credential's bucket, a full one where it has none. */
  of(projectId: string, tokenId: string, now: number): TokenBucket {
    this.#turn(now);
    let ofProject = this.#recent.get(projectId);
    if (ofProject === undefined) {
      ofProject = new Map();
      this.#recent.set(projectId, ofProject);
    }
    const recent = ofProject.get(tokenId);
    if (recent !== undefined) return recent;
    const bucket = this.#older.get(projectId)?.get(tokenId) ?? new TokenBucket(this.rate, now);
    ofProject.set(tokenId, bucket);
    return bucket;
  }

  /** How many buckets are kept. */
  get size(): number {
    const all = new Set<TokenBucket>();
    for (const buckets of [this.#recent, this.#older]) {
      for (const ofProject of buckets.values()) for (const bucket of ofProject.values()) all.add(bucket);
    }
    return all.size;
  }

  #turn(now: number): void {
    const spans = (now - this.#turnedAt) / this.#fillMs;
    if (spans < 1) return;
    this.#older = spans < 2 ? this.#recent : new Map();
    this.#recent = new Map();
    this.#turnedAt = now;
  }
}
