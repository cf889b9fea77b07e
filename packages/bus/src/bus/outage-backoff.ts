import { Backoff } from '@weir/base';
import type { SourceInterrupted } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';

/** An outage may last so many times longer for the wait at its end. */
const SHARE = 60;
const SHORTEST_LONGEST_MS = 500;

/**
 * Waits between tries in one outage of a group: at most half a second in its first half minute, and later a sixtieth of its
 * age, so that members are idle for no longer than that once the source is back.
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
   * It failed once more: how long to wait, in milliseconds. A limit is kept to; a server that starts says a time that may be
   * longer than it takes.
   */
  next({ isLimit, waitMs }: SourceInterrupted): number {
    const longestMs = Math.min(this.#limits.longestWaitMs, Math.max(SHORTEST_LONGEST_MS, this.ageMs / SHARE));
    return Math.max(Math.min(this.#backoff.next(), longestMs), isLimit ? waitMs : 0);
  }
}
