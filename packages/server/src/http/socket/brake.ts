import type { WebSocket } from 'ws';

/** Pauses a socket while at least one caller holds it. */
export class Brake {
  readonly #socket: WebSocket;
  #reasons = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Adds one hold; each must be released once. */
  hold(): void {
    if (this.#reasons === 0) this.#socket.pause();
    this.#reasons += 1;
  }

  lift(): void {
    this.#reasons -= 1;
    if (this.#reasons === 0) this.#socket.resume();
  }
}
