import type { ExitReason } from './outcome.js';

/** How long what is under way may take once a consumer ends. Milliseconds. */
const GRACE_MS = 2_000;

/** The end of a consumer: the first reason that is given counts. */
export class Stop {
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #graceMs: number;
  #timer: NodeJS.Timeout | undefined;
  #reason: ExitReason | undefined;

  /** @param graceMs from the end until `hurry`; default 2 s. */
  constructor(graceMs = GRACE_MS) {
    this.#graceMs = graceMs;
  }

  /** Aborted: take no more events. */
  get signal(): AbortSignal {
    return this.#soft.signal;
  }

  /** Aborted: give up what is under way. */
  get hurry(): AbortSignal {
    return this.#hard.signal;
  }

  /** Why; undefined while it goes on. */
  get reason(): ExitReason | undefined {
    return this.#reason;
  }

  /** Ends the consumer. */
  end(reason: ExitReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#soft.abort();
    this.#timer = setTimeout(() => this.#hard.abort(), this.#graceMs);
  }

  /** All is done: nothing needs to hurry any more. */
  done(): void {
    clearTimeout(this.#timer);
  }
}
