import type { WeirError } from '../weir-error.js';
import type { Message } from './message.js';

/** Bytes that may be received or under way before the reader takes them. */
const WINDOW = 1024 * 1024;
/** Credit is given in portions. */
const PORTION = WINDOW / 4;

/** Messages that were received and not read yet: at most a window of them, and one page. */
export class Incoming {
  readonly #giveCredit: (bytes: number) => void;
  #pages: { readonly messages: readonly Message[]; readonly bytes: number }[] = [];
  #place = 0;
  #held = 0;
  #owed = 0;
  #last: number;
  #isOver = false;
  #failure: WeirError | null = null;
  #wake: () => void = () => {};

  /**
   * @param after the index to begin after
   * @param giveCredit grants the server more bytes
   */
  constructor(after: number, giveCredit: (bytes: number) => void) {
    this.#last = after;
    this.#giveCredit = giveCredit;
  }

  /** The index of the last message that came. */
  get last(): number {
    return this.#last;
  }

  /** The credit for a new connection: at least a byte, which lets the server send a page. */
  takeRoom(): number {
    this.#owed = 0;
    return Math.max(1, WINDOW - this.#held);
  }

  push(messages: readonly Message[], bytes: number): void {
    const last = messages.at(-1);
    if (last === undefined) return;
    this.#pages.push({ messages, bytes });
    this.#held += bytes;
    this.#last = last.index;
    this.#wake();
  }

  /** Nothing more comes. */
  finish(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** The reader gets the messages that were received, then this error. */
  fail(error: WeirError): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** The next message, undefined after the last. @throws WeirError */
  async next(): Promise<Message | undefined> {
    for (;;) {
      const [page] = this.#pages;
      if (page !== undefined) {
        const message = page.messages[this.#place];
        this.#place += 1;
        if (this.#place >= page.messages.length) this.#taken(page.bytes);
        return message;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #taken(bytes: number): void {
    this.#pages.shift();
    this.#place = 0;
    this.#held -= bytes;
    this.#owed += bytes;
    if (this.#owed < PORTION && this.#pages.length > 0) return;
    this.#giveCredit(this.#owed);
    this.#owed = 0;
  }
}
