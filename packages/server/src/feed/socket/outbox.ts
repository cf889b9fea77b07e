import { type Duplex, finished } from 'node:stream';
import { WebSocket } from 'ws';

/** Bytes on their way to a client beyond which nothing more is made for it, and nothing more read from it. */
const FULL = 256 * 1024;

/** What a socket sends: as fast as its client reads, so that a slow one costs no memory but its own pages' turn. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  #turn: Promise<unknown> = Promise.resolve();
  #room: Promise<void> | null = null;

  /** @param stream what the socket writes to */
  constructor(socket: WebSocket, stream: Duplex) {
    this.#socket = socket;
    this.#stream = stream;
  }

  /** Sends an answer: small, and the client asks for no more of them while there is no room. */
  answer(frame: object): void {
    this.#send(JSON.stringify(frame));
    if (this.#socket.bufferedAmount <= FULL || this.#socket.isPaused) return;
    this.#socket.pause();
    void this.#hasRoom().then(() => this.#socket.resume());
  }

  /** Makes a frame when there is room for it, one after the other, and sends it unless it is null. */
  async give(make: () => string | null): Promise<void> {
    const given = this.#turn.then(async () => {
      await this.#hasRoom();
      const text = this.#isOpen ? make() : null;
      if (text !== null) this.#send(text);
    });
    this.#turn = given.catch(() => {});
    await given;
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #send(text: string): void {
    // A failure ends the connection, which says so.
    if (this.#isOpen) this.#socket.send(text, () => {});
  }

  /** Resolves when what was sent is gone, where it was too much, or when the connection is over. */
  #hasRoom(): Promise<void> {
    if (this.#socket.bufferedAmount <= FULL || !this.#isOpen) return Promise.resolve();
    this.#room ??= new Promise<void>((resolve) => {
      const stop = finished(this.#stream, () => resolve());
      this.#stream.once('drain', () => {
        stop();
        resolve();
      });
    }).finally(() => {
      this.#room = null;
    });
    return this.#room;
  }
}
