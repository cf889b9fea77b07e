import type { ExitReason } from './outcome.js';

/** Grace period for work in progress after a consumer has ended, in milliseconds. */
const GRACE_MS = 2_000;

/** Ends a consumer; the first reason wins. */
export class Stop {
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #graceMs: number;
  #timer: NodeJS.Timeout | undefined;
  #reason: ExitReason | undefined;

  /** @param graceMs time from `end` until `hurry` aborts; default 2 s. */
  constructor(graceMs = GRACE_MS) {
    this.#graceMs = graceMs;
  }

  /** Aborts when the consumer must not take more events. */
  get signal(): AbortSignal {
    return this.#soft.signal;
  }

  /** Aborts when the consumer must abandon the work in progress. */
  get hurry(): AbortSignal {
    return this.#hard.signal;
  }

  /** Reason of the end; undefined before it. */
  get reason(): ExitReason | undefined {
    return this.#reason;
  }

  end(reason: ExitReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#soft.abort();
    this.#timer = setTimeout(() => this.#hard.abort(), this.#graceMs);
  }

  /** All work is finished: cancels the grace period. */
  done(): void {
    clearTimeout(this.#timer);
  }
}
