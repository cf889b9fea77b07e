import { type Duplex, finished } from 'node:stream';
import { WebSocket } from 'ws';
import { Brake } from './brake.js';

/** Bytes on their way to a client beyond which nothing more is made for it, and nothing more read from it. */
const FULL = 256 * 1024;

/** What a socket sends: as fast as its client reads, so that a slow one costs no memory but its own pages' turn. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #brake: Brake;
  #turn: Promise<unknown> = Promise.resolve();
  #room: Promise<void> | null = null;
  #isBraking = false;
  #isCorked = false;

  /**
   * @param stream what the socket writes to
   * @param brake of the same socket, where others brake it too
   */
  constructor(socket: WebSocket, stream: Duplex, brake = new Brake(socket)) {
    this.#socket = socket;
    this.#stream = stream;
    this.#brake = brake;
  }

  /** Sends an answer: small, and the client asks for no more of them while there is no room. */
  answer(frame: object | string): void {
    this.#send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    if (this.#isBraking || this.#socket.bufferedAmount <= FULL) return;
    this.#isBraking = true;
    this.#brake.hold();
    void this.#hasRoom().then(() => {
      this.#isBraking = false;
      this.#brake.lift();
    });
  }

  /** Makes a frame when there is room for it, one after the other, and sends it unless it is null. */
  async give(make: () => string | Buffer | null | Promise<string | Buffer | null>): Promise<void> {
    const given = this.#turn.then(async () => {
      await this.#hasRoom();
      const frame = this.#isOpen ? await make() : null;
      if (frame !== null) this.#send(frame);
    });
    this.#turn = given.catch(() => {});
    await given;
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #send(frame: string | Buffer): void {
    if (!this.#isOpen) return;
    this.#cork();
    // A failure ends the connection, which says so.
    this.#socket.send(frame, () => {});
  }

  /** Frames of one turn leave in one write. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
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
