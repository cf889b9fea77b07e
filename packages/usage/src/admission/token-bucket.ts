import type { Rate } from './rate.js';

/** One token, minus the rounding error of summed fractions. */
const WHOLE = 1 - 1e-9;

/**
 * A token bucket: full at first, one token for each request, refilled at a rate up to a burst.
 *
 * The rate is an argument of each call, so it may change while the tokens stay. Over any period, at most the burst plus
 * the refill passes. Times are milliseconds of any monotonic clock.
 */
export class TokenBucket {
  #tokens: number;
  #filledAt: number;

  constructor({ burst }: Rate, now: number) {
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes a token: returns 0, or the milliseconds to wait for one. */
  take(rate: Rate, now: number): number {
    this.fill(rate, now);
    if (this.#tokens < WHOLE) return Math.ceil(((1 - this.#tokens) / rate.perSecond) * 1000);
    this.#tokens = Math.max(0, this.#tokens - 1);
    return 0;
  }

  /** Undoes a {@link take}, because the request was refused for another reason. */
  giveBack(): void {
    this.#tokens += 1;
  }

  /** Adds the refill since the last call; call it with the old rate before a new one takes effect. */
  fill({ perSecond, burst }: Rate, now: number): void {
    const gained = (Math.max(0, now - this.#filledAt) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#filledAt = now;
  }
}
