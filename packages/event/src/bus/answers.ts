import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff, SourceInterrupted } from '../source/index.js';
import type { BusLimits } from './bus-limits.js';

/** Answers that come within so many milliseconds go together. */
const GATHER_MS = 3;

/** The source gives back what had no answer for 30 s: later answers say nothing any more. */
const DEADLINE_MS = 30_000;

/**
 * Answers to deliveries of a group, of one kind: gathered, sent one call after another, and sent again for as long as
 * the source is interrupted and the deliveries are still lent.
 */
export class Answers {
  readonly #send: (ids: readonly string[]) => Promise<void>;
  readonly #limits: BusLimits;
  readonly #onLost: (error: unknown, ids: readonly string[]) => void;
  #ids: string[] = [];
  #sending: Promise<void> | undefined;

  constructor(
    send: (ids: readonly string[]) => Promise<void>,
    limits: BusLimits,
    onLost: (error: unknown, ids: readonly string[]) => void,
  ) {
    this.#send = send;
    this.#limits = limits;
    this.#onLost = onLost;
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.push(id);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves once all are sent, or given up. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await sleep(GATHER_MS);
    while (this.#ids.length > 0) {
      const ids = this.#ids;
      this.#ids = [];
      await this.#sendThese(ids).catch((error: unknown) => this.#onLost(error, ids));
    }
    this.#sending = undefined;
  }

  async #sendThese(ids: readonly string[]): Promise<void> {
    const backoff = new Backoff({ firstMs: this.#limits.firstWaitMs, longestMs: this.#limits.longestWaitMs });
    const until = performance.now() + DEADLINE_MS;
    for (;;) {
      try {
        return await this.#send(ids);
      } catch (error) {
        if (!(error instanceof SourceInterrupted) || performance.now() > until) throw error;
        await sleep(Math.max(backoff.next(), error.waitMs));
      }
    }
  }
}
