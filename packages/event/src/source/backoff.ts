/** How long to wait before each further try. Milliseconds. */
export interface BackoffOptions {
  /** Before the first. */
  readonly firstMs: number;
  /** Before any. */
  readonly longestMs: number;
  /** From 0 to 1; default `Math.random`. */
  readonly random?: () => number;
}

/** Waits that double with each failure, shortened at random by up to a half, so that many clients do not come at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** It worked: begin anew. */
  reset(): void {
    this.#failures = 0;
  }

  /** It failed once more: how long to wait, in milliseconds. */
  next(): number {
    const { firstMs, longestMs, random = Math.random } = this.#options;
    const full = Math.min(longestMs, firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return full * (0.5 + random() / 2);
  }
}
