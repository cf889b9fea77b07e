import type { IncomingMessage } from 'node:http';

/** Bodies of which a piece is read in one turn of the event loop. */
const READ_A_TURN = 8;

/**
 * Reads large bodies piece by piece, a few in each turn of the event loop. Node would read up to 2 MiB of each connection in
 * one turn: hundreds of clients that upload at the same time would make it long.
 */
export class ReadTurns {
  readonly #waiting: IncomingMessage[] = [];
  #isDue = false;

  /** Reads nothing more of a request until its next turn. */
  pause(request: IncomingMessage): void {
    request.pause();
    this.#waiting.push(request);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      for (const request of this.#waiting.splice(0, READ_A_TURN)) request.resume();
      this.#schedule();
    });
  }
}
