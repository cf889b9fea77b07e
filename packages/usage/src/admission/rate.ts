/** A rate of requests, with a burst after a pause. */
export class Rate {
  /** Requests a second, above 0. */
  readonly perSecond: number;
  /** Requests at once, at least 1. */
  readonly burst: number;

  /** @param burst default, and for 0: twice the rate, rounded up */
  constructor(perSecond: number, burst = 0) {
    this.perSecond = perSecond;
    this.burst = burst > 0 ? burst : Math.ceil(2 * perSecond);
  }

  /** In the form of a setting: `rps:burst`. */
  toString(): string {
    return `${this.perSecond}:${this.burst}`;
  }
}
