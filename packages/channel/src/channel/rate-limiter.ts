/** A token bucket: full at the start, refilled at a constant rate, never above its size. */
export class RateLimiter {
  readonly #maxTokens: number;
  readonly #refillRate: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  /**
   * @param refillRate tokens a second; 0 never refills
   * @param now milliseconds
   */
  constructor(maxTokens: number, refillRate: number, now: () => number = Date.now) {
    this.#maxTokens = maxTokens;
    this.#refillRate = refillRate;
    this.#now = now;
    this.#tokens = maxTokens;
    this.#at = now();
  }

  /** Takes `count` tokens if available. A count above the size of the bucket needs, and empties, a full bucket. */
  allow(count = 1): boolean {
    const wanted = Math.min(count, this.#maxTokens);
    if (this.tokens() < wanted) return false;
    this.#tokens -= wanted;
    return true;
  }

  /** The current number of tokens, with fractions. */
  tokens(): number {
    const now = this.#now();
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#refillRate;
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + gained);
    this.#at = now;
    return this.#tokens;
  }

  /** Milliseconds until `allow(count)` can return true, rounded up; an hour for a bucket that is never refilled. */
  retryAfterMs(count = 1): number {
    const missing = Math.min(count, this.#maxTokens) - this.tokens();
    if (missing <= 0) return 0;
    return this.#refillRate > 0 ? Math.ceil((missing / this.#refillRate) * 1000) : 3_600_000;
  }
}
