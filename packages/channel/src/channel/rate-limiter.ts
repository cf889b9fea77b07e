/** A token bucket: full at first, refilled steadily, never above its size. */
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

  /** Takes tokens if there are so many. More than the bucket can ever hold are taken from a full one. */
  allow(count = 1): boolean {
    const wanted = Math.min(count, this.#maxTokens);
    if (this.tokens() < wanted) return false;
    this.#tokens -= wanted;
    return true;
  }

  /** How many tokens there are now, with fractions. */
  tokens(): number {
    const now = this.#now();
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#refillRate;
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + gained);
    this.#at = now;
    return this.#tokens;
  }

  /** Milliseconds until `allow(count)` can say yes, rounded up; an hour for a bucket that never refills. */
  retryAfterMs(count = 1): number {
    const missing = Math.min(count, this.#maxTokens) - this.tokens();
    if (missing <= 0) return 0;
    return this.#refillRate > 0 ? Math.ceil((missing / this.#refillRate) * 1000) : 3_600_000;
  }
}
