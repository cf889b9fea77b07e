import { pause } from '@weir/base';
import { SourceInterrupted } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';
import { OutageBackoff } from './outage-backoff.js';

/** Outcomes that arrive within this time are sent in one call. */
const GATHER_MS = 3;

/** Maximum number of ids in one call. */
const MAX_IDS = 1_000;

/** Options of {@link Answers}. */
export interface AnswersOptions {
  readonly send: (ids: readonly string[]) => Promise<void>;
  readonly limits: BusLimits;
  /** Called when the source has stored these outcomes or, with an error, has rejected them permanently. */
  readonly onSettled: (ids: readonly string[], error?: unknown) => void;
}

/**
 * Sends one kind of outcome (ack, nack or release) to the source: batched, one call at a time, and retried until the
 * source replies.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #giveUp = new AbortController();
  readonly #ids: string[] = [];
  /** The call that is being retried. */
  #retrying: Promise<void> | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  add(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#ids.push(id);
    this.#sending ??= this.#sendAll();
  }

  /** True if no outcome is waiting or being sent. */
  get isIdle(): boolean {
    return this.#ids.length === 0 && this.#sending === undefined;
  }

  /** Resolves once all outcomes are sent or abandoned. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  /** Resolves once no interrupted call is being retried. */
  async caughtUp(): Promise<void> {
    await this.#retrying?.catch(() => {});
  }

  /** Stops retrying while the source is unavailable. */
  giveUp(): void {
    this.#giveUp.abort();
  }

  async #sendAll(): Promise<void> {
    await pause(GATHER_MS);
    while (this.#ids.length > 0) {
      const ids = this.#ids.splice(0, MAX_IDS);
      await this.#sendThese(ids).then(
        () => this.#options.onSettled(ids),
        (error: unknown) => {
          // After giveUp, do not report an outcome: the consumer sends it again to the next bus.
          if (!this.#giveUp.signal.aborted) this.#options.onSettled(ids, error);
        },
      );
    }
    this.#sending = undefined;
  }

  async #sendThese(ids: readonly string[]): Promise<void> {
    try {
      return await this.#options.send(ids);
    } catch (error) {
      if (!(error instanceof SourceInterrupted)) throw error;
      this.#retrying = this.#sendAgain(ids, error);
      await this.#retrying.finally(() => {
        this.#retrying = undefined;
      });
    }
  }

  async #sendAgain(ids: readonly string[], first: SourceInterrupted): Promise<void> {
    const { send, limits } = this.#options;
    const { signal } = this.#giveUp;
    const backoff = new OutageBackoff(limits);
    for (let last = first; ; ) {
      if (signal.aborted || backoff.ageMs > limits.outageMs) throw last;
      await pause(backoff.next(last), signal);
      try {
        return await send(ids);
      } catch (error) {
        if (!(error instanceof SourceInterrupted)) throw error;
        last = error;
      }
    }
  }
}
