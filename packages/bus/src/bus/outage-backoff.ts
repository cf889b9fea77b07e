import { Backoff } from '@weir/base';
import type { SourceInterrupted } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';

/** The wait is at most this fraction (1/60) of the outage's age. */
const SHARE = 60;
const SHORTEST_LONGEST_MS = 500;

/**
 * Delays between retries during an outage of a group. A delay is at most 500 ms in the first 30 s and later a sixtieth
 * of the outage, so that members do not stay idle for long after the source has recovered.
 */
export class OutageBackoff {
  readonly #limits: BusLimits;
  readonly #backoff: Backoff;
  readonly #since = performance.now();

  constructor(limits: BusLimits) {
    this.#limits = limits;
    this.#backoff = new Backoff({ firstMs: limits.firstWaitMs, longestMs: limits.longestWaitMs });
  }

  get ageMs(): number {
    return performance.now() - this.#since;
  }

  /**
   * The delay after another failure, in milliseconds. A rate limit's wait time is obeyed. The wait time of a starting
   * server is not, because the server may be ready earlier.
   */
  next({ isLimit, waitMs }: SourceInterrupted): number {
    const longestMs = Math.min(this.#limits.longestWaitMs, Math.max(SHORTEST_LONGEST_MS, this.ageMs / SHARE));
    return Math.max(Math.min(this.#backoff.next(), longestMs), isLimit ? waitMs : 0);
  }
}
