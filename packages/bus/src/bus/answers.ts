import { pause } from '@weir/base';
import { SourceInterrupted } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';
import { OutageBackoff } from './outage-backoff.js';

/** Answers that come within so many milliseconds go together. */
const GATHER_MS = 3;

/** Longest call. */
const MAX_IDS = 1_000;

/** How the answers of one kind are given. */
export interface AnswersOptions {
  readonly send: (ids: readonly string[]) => Promise<void>;
  readonly limits: BusLimits;
  /** The source knows of these; with an error, it refuses them for good. */
  readonly onSettled: (ids: readonly string[], error?: unknown) => void;
}

/**
 * Answers to deliveries of a group, of one kind: gathered, sent one call after another, and sent again until the source
 * has answered.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #giveUp = new AbortController();
  readonly #ids: string[] = [];
  /** A call that is sent again. */
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

  /** Whether none is left to send. */
  get isIdle(): boolean {
    return this.#ids.length === 0 && this.#sending === undefined;
  }

  /** Resolves once all are sent, or given up. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  /** Resolves once no call is sent again because the source was interrupted. */
  async caughtUp(): Promise<void> {
    await this.#retrying?.catch(() => {});
  }

  /** Tries no more where the source is interrupted. */
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
          // Their consumers tell the next bus.
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
