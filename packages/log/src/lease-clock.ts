/** How often a running process is noticed. */
const TICK_MS = 250;
/** Time beyond this since the last look passed while the process did not run. */
const LONGEST_STEP_MS = 1_000;

/**
 * The time in which this process ran, for the leases of groups, as Unix milliseconds that begin at its start. It is
 * monotonic, so that a wall clock that is set back delays no redelivery. It stands still while the process is stopped or
 * its machine sleeps: members could not extend their leases then, so that a lease which ran on would expire without a
 * fault of its member, and its event would run twice.
 */
export class LeaseClock {
  readonly #monotonic: () => number;
  readonly #timer: NodeJS.Timeout;
  #now: number;
  #seen: number;

  /** @param monotonic milliseconds that never go back; default `performance.now` */
  constructor(start: number, monotonic: () => number = () => performance.now()) {
    this.#now = start;
    this.#monotonic = monotonic;
    this.#seen = monotonic();
    this.#timer = setInterval(() => this.now(), TICK_MS).unref();
  }

  now(): number {
    const seen = this.#monotonic();
    this.#now += Math.min(Math.max(0, seen - this.#seen), LONGEST_STEP_MS);
    this.#seen = seen;
    return this.#now;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
