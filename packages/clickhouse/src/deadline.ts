import { ClickHouseError } from './clickhouse-error.js';

/** Combines a caller's signal and a time limit into one signal, and releases both when the call ends. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onCallerAbort = (): void => this.#controller.abort(this.#caller?.reason);

  constructor(caller: AbortSignal | undefined, timeoutMs: number | undefined) {
    this.#caller = caller;
    if (caller?.aborted) this.#onCallerAbort();
    else caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => {
        this.#controller.abort(
          new ClickHouseError('unavailable', `ClickHouse did not answer within ${timeoutMs} ms`),
        );
      }, timeoutMs);
    }
  }

  /** Aborts with the caller's reason, or after the time limit with an `unavailable` {@link ClickHouseError}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Must be called when the call ends. */
  release(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }
}
