const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** After so long a healthy time the next failure counts as the first again. */
const HEALTHY_MS = 60_000;

/** How long to wait before the next start: 100 ms, doubling to 5 s, from the beginning after a healthy minute. */
export class Backoff {
  readonly #now: () => number;
  #next = FIRST_MS;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The wait before the next start; `healthySince` is when the last one was ready, if ever it was. */
  next(healthySince: number | undefined): number {
    if (healthySince !== undefined && this.#now() - healthySince >= HEALTHY_MS) this.#next = FIRST_MS;
    const wait = this.#next;
    this.#next = Math.min(LONGEST_MS, wait * 2);
    return wait;
  }
}
