import type { Message } from '../protocol/index.js';

/** Longest message: what comes together goes in several beyond that. */
const MAX_IDS = 1_000;

/** Tells a bus what became of deliveries, those of a moment in one message. */
export class Acknowledgements {
  readonly #send: (message: Message) => void;
  #done: string[] = [];
  #failed: string[] = [];
  #isDue = false;

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  done(id: string): void {
    this.#done.push(id);
    this.#schedule();
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
      while (ids.length > 0) this.#send({ type: 'ack', of, ids: ids.splice(0, MAX_IDS) });
    }
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }
}
