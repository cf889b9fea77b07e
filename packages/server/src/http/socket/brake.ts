import type { WebSocket } from 'ws';

/** Nothing is read from a socket while anybody has a reason not to. */
export class Brake {
  readonly #socket: WebSocket;
  #reasons = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** One more reason; each is lifted once. */
  hold(): void {
    if (this.#reasons === 0) this.#socket.pause();
    this.#reasons += 1;
  }

  lift(): void {
    this.#reasons -= 1;
    if (this.#reasons === 0) this.#socket.resume();
  }
}
