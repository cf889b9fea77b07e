import type { OutputStream } from './output.js';
import { behindGuard } from './terminal-guard.js';

const TTY_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;

/** Progress of a long operation: one redrawn line on a terminal, otherwise a line from time to time. */
export class Progress {
  readonly #stream: OutputStream;
  readonly #now: () => number;
  #shownAt: number;
  #isDrawn = false;

  /** @param now clock, milliseconds */
  constructor(stream: OutputStream, now: () => number = () => performance.now()) {
    this.#stream = behindGuard(stream);
    this.#now = now;
    this.#shownAt = now();
  }

  /** Shows the text of `describe`, at a limited rate. */
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

  /** Removes the drawn line before other output. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write('\r\u001b[K');
    this.#isDrawn = false;
  }
}
