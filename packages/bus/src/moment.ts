/**
 * A point in time that measures its own age with the monotonic clock and with the wall clock, and reports the larger
 * value. The monotonic clock stops while the machine sleeps, and the wall clock can be set back; either alone could
 * make a lease look younger than it is.
 */
export class Moment {
  readonly #monotonic = performance.now();
  readonly #wall = Date.now();

  /** Milliseconds since the object was made. */
  get ageMs(): number {
    return Math.max(performance.now() - this.#monotonic, Date.now() - this.#wall);
  }
}
