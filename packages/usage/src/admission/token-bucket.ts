import type { Rate } from './rate.js';

/** A token a request; a sum of fractions may miss a whole one by this much. */
const WHOLE = 1 - 1e-9;

/**
 * A token bucket: full at first, one token a request, filled at a rate up to a burst.
 *
 * The rate is told with each call and not kept, so that it may change while the tokens stay. Over any stretch of time
 * no more requests pass than the burst and what the rate gives meanwhile. Times are milliseconds of any clock that
 * never goes back.
 */
export class TokenBucket {
  #tokens: number;
  #filledAt: number;

  constructor({ burst }: Rate, now: number) {
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes a token: 0, or how many milliseconds to wait for one. */
  take(rate: Rate, now: number): number {
    this.fill(rate, now);
    if (this.#tokens < WHOLE) return Math.ceil(((1 - this.#tokens) / rate.perSecond) * 1000);
    this.#tokens = Math.max(0, this.#tokens - 1);
    return 0;
  }

  /** Undoes a {@link take}: the request was refused for another reason. */
  giveBack(): void {
    this.#tokens += 1;
  }

  /** Adds what has come together since the last time; to be called with the old rate before a new one counts. */
  fill({ perSecond, burst }: Rate, now: number): void {
    const gained = (Math.max(0, now - this.#filledAt) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#filledAt = now;
  }
}
