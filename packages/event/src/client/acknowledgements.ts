import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Message } from '../protocol/index.js';

/** Longest message: what comes together goes in several beyond that. */
const MAX_IDS = 1_000;
/** So many are told at once, however many more are handled in the same turn. */
const AT_ONCE = 50;

/**
 * Tells the bus what became of deliveries, those of a moment in one message. What cannot be told now is told to the next
 * bus: a delivery is the source's, whoever brought it.
 */
export class Acknowledgements {
  readonly #send: (message: Message) => boolean;
  #done: string[] = [];
  #failed: string[] = [];
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

  /** It should come again. */
  failed(id: string): void {
    this.#failed.push(id);
    this.#schedule();
  }

  /** Tells at once. */
  flush(): void {
    this.#isDue = false;
    for (const [of, ids] of [
      ['deliveries', this.#done],
      ['failed_deliveries', this.#failed],
    ] as const) {
      while (ids.length > 0 && this.#send({ type: 'ack', of, ids: ids.slice(0, MAX_IDS) }))
        ids.splice(0, MAX_IDS);
    }
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }
}
