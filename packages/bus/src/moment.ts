/**
 * A moment, whose age is what the clock says that has gone further: the monotonic clock stands still while the machine
 * sleeps, and the wall clock may be set back.
 */
export class Moment {
  readonly #monotonic = performance.now();
  readonly #wall = Date.now();

  /** Milliseconds. */
  get ageMs(): number {
    return Math.max(performance.now() - this.#monotonic, Date.now() - this.#wall);
  }
}
