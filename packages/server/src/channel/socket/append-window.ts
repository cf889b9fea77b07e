import type { Brake } from '../../http/socket/brake.js';

/** Unanswered appends of a connection, and bytes of their frames. */
const MAX_APPENDS = 1024;
const MAX_BYTES = 16 * 1024 * 1024;

/** The unanswered appends of one connection: beyond a bound, the server stops reading from it. */
export class AppendWindow {
  readonly #brake: Brake;
  #appends = 0;
  #bytes = 0;
  #isFull = false;

  constructor(brake: Brake) {
    this.#brake = brake;
  }

  enter(bytes: number): void {
    this.#appends += 1;
    this.#bytes += bytes;
    this.#look();
  }

  leave(bytes: number): void {
    this.#appends -= 1;
    this.#bytes -= bytes;
    this.#look();
  }

  #look(): void {
    const isFull = this.#appends >= MAX_APPENDS || this.#bytes >= MAX_BYTES;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#brake.hold();
    else this.#brake.lift();
  }
}
