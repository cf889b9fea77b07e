import type { Rate } from './rate.js';
import { TokenBucket } from './token-bucket.js';

type Buckets = Map<string, Map<string, TokenBucket>>;

/**
 * A bucket for each credential of each project, all with one rate. A bucket that was unused for the time of a refill is
 * full, and a full bucket equals a new one. So buckets live in two generations; the older one is dropped as a whole
 * each time that period has passed. Memory holds the buckets used in the last two periods, and no code iterates over
 * them.
 *
 * Maps of maps, because a combined key would have to be built and hashed for each request.
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

  /** The bucket of a credential; a full one if it has none. */
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

  /** Number of buckets in memory. */
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
