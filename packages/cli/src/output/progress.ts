import type { OutputStream } from './output.js';
import { behindGuard } from './terminal-guard.js';

const TTY_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;

/** The state of long work: one line that is drawn over on a terminal, now and then a plain line elsewhere. */
export class Progress {
  readonly #stream: OutputStream;
  readonly #now: () => number;
  #shownAt: number;
  #isDrawn = false;

  /** @param now a clock, milliseconds */
  constructor(stream: OutputStream, now: () => number = () => performance.now()) {
    this.#stream = behindGuard(stream);
    this.#now = now;
    this.#shownAt = now();
  }

  /** Shows the text that `describe` gives, unless it is too early for another. */
  update(describe: () => string): void {
    const now = this.#now();
    const isTerminal = this.#stream.isTTY === true;
    if (now - this.#shownAt < (isTerminal ? TTY_EVERY_MS : PLAIN_EVERY_MS)) return;
    this.#shownAt = now;
    if (isTerminal) {
      this.#stream.write(`\r\u001b[K${describe()}`);
      this.#isDrawn = true;
    } else {
      this.#stream.write(`${describe()}\n`);
    }
  }

  /** Takes the drawn line away, so that something else can be written. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write('\r\u001b[K');
    this.#isDrawn = false;
  }
}
