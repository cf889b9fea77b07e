import { now } from './rate.js';

/** One of so many arrivals is timed. */
const EVERY = 20;

/** Counts what arrives, and how long it took. */
export class Tally {
  count = 0;
  readonly #waits: number[] = [];

  /** Takes a document. */
  take({ at }: { readonly at: number }): void {
    this.count += 1;
    if (this.count % EVERY === 0) this.#waits.push(now() - at);
  }

  /** Milliseconds within which that share arrived. */
  quantile(share: number): number {
    this.#waits.sort((a, b) => a - b);
    return this.#waits[Math.floor(share * this.#waits.length)] ?? Number.NaN;
  }
}
