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
 * How long to wait before the next attempt. The wait doubles with each failure. It is shortened at random by up to a half, so
 * that many clients do not try again at the same moment.
 *
 * ```ts
 * const backoff = new Backoff();
 * while (!(await succeeds())) await pause(backoff.next(), signal);
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

  /** The attempt succeeded: the next failure counts as the first. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * The attempt failed: how long to wait, in milliseconds.
   * @param leastMs what the server asks for; default 0
   */
  next(leastMs = 0): number {
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(leastMs, full * (0.5 + this.#random() / 2));
  }
}
