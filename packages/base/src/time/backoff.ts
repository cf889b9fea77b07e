/** Settings of a {@link Backoff}. Milliseconds. */
export interface BackoffOptions {
  /** The wait after the first failure. Default 100. */
  readonly firstMs?: number;
  /** The longest wait. Default 5,000. */
  readonly longestMs?: number;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: () => number;
}

/**
 * How long to wait before the next attempt. The wait doubles with each failure, and is randomly shortened by up to
 * half, so that many clients do not retry at the same moment.
 *
 * ```ts
 * const backoff = new Backoff(); while (!(await succeeds())) await pause(backoff.next(), signal);
 * ```
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ firstMs = 100, longestMs = 5_000, random = Math.random }: BackoffOptions = {}) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** Resets after a success: the next failure counts as the first. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Returns the wait after a failure, milliseconds.
   * @param leastMs the wait that the server requests; default 0
   */
  next(leastMs = 0): number {
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(leastMs, full * (0.5 + this.#random() / 2));
  }
}
