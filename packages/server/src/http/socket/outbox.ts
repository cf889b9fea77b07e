import { type Duplex, finished } from 'node:stream';
import { WebSocket } from 'ws';
import { Brake } from './brake.js';

/** Bytes waiting for a client beyond which the server neither creates more for it nor reads from it. */
const FULL = 256 * 1024;

/** Sends frames as fast as the client reads, so that a slow client only costs the memory of its own pages. */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #brake: Brake;
  #turn: Promise<unknown> = Promise.resolve();
  #room: Promise<void> | null = null;
  #isBraking = false;
  #isCorked = false;

  /**
   * @param stream the connection under the socket
   * @param brake of the same socket, if other holders pause it too
   */
  constructor(socket: WebSocket, stream: Duplex, brake = new Brake(socket)) {
    this.#socket = socket;
    this.#stream = stream;
    this.#brake = brake;
  }

  /** Sends a small answer; the client sends no further requests while there is no room, because reading is paused. */
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

  /** Creates a frame when there is room for it, one after another, and sends it unless it is null. */
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
    // An error also ends the connection, which reports it.
    this.#socket.send(frame, () => {});
  }

  /** Combines the frames of one turn in one write. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  /** Resolves when the waiting bytes are below the bound, or the connection has ended. */
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
