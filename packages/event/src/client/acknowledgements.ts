import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Message } from '../protocol/index.js';

/** Longest message: what comes together goes in several beyond that. */
const MAX_IDS = 1_000;
/** How long an event that failed waits for its next try, by the try that failed; the last holds for all further ones. */
const DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
/** So many are told at once, however many more are handled in the same turn. */
const AT_ONCE = 50;

/**
 * Tells the bus what became of deliveries, those of a moment in one message. What cannot be told now is told to the next
 * bus: a delivery is the source's, whoever brought it.
 */
export class Acknowledgements {
  readonly #send: (message: Message) => boolean;
  #done: string[] = [];
  /** By how long they are to wait. */
  readonly #failed = new Map<number, string[]>();
  #isDue = false;

  /** @param send says false when there is nobody to say it to. */
  constructor(send: (message: Message) => boolean) {
    this.#send = send;
  }

  /** Now and then it waits for the message to be out: what is done and not told comes again after a kill. */
  async done(id: string): Promise<void> {
    this.#done.push(id);
    if (this.#done.length < AT_ONCE) {
      this.#schedule();
      return;
    }
    this.flush();
    await nextTurn();
  }

  /**
   * It should come again: later with each try, so that a sink that is gone for a while does not use up all of them.
   *
   * @param attempt which try this was, from 1.
   */
  failed(id: string, attempt: number): void {
    const delayMs = DELAYS_MS[Math.min(attempt, DELAYS_MS.length) - 1] ?? 0;
    const ids = this.#failed.get(delayMs) ?? [];
    this.#failed.set(delayMs, ids);
    ids.push(id);
    this.#schedule();
  }

  /** Tells at once. */
  flush(): void {
    this.#isDue = false;
    this.#tell(this.#done, (ids) => ({ type: 'ack', of: 'deliveries', ids }));
    for (const [delay_ms, failed] of this.#failed) {
      this.#tell(failed, (ids) => ({ type: 'ack', of: 'failed_deliveries', ids, delay_ms }));
    }
  }

  #tell(ids: string[], message: (some: string[]) => Message): void {
    while (ids.length > 0 && this.#send(message(ids.slice(0, MAX_IDS)))) ids.splice(0, MAX_IDS);
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }
}
