/** Interval at which the clock checks that the process is running. */
const TICK_MS = 250;
/** A longer gap between two checks means that the process was suspended; the excess is not counted. */
const LONGEST_STEP_MS = 1_000;

/**
 * Measures the running time of this process for the leases of groups, as Unix milliseconds from its start. The clock is
 * monotonic, so that setting the wall clock back does not delay redelivery. It stops while the process or machine is
 * suspended: members cannot extend their leases then, and a lease that continued to run would expire without a fault of
 * its member, so that its event would run twice.
 */
export class LeaseClock {
  readonly #monotonic: () => number;
  readonly #timer: NodeJS.Timeout;
  #now: number;
  #seen: number;

  /** @param monotonic monotonic clock in milliseconds; default `performance.now` */
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
