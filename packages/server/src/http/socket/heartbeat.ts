import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How often a client is asked, and how long it may be silent, milliseconds. */
export interface Pace {
  readonly pingMs: number;
  /** A connection of which so long nothing was heard is ended. */
  readonly silenceMs: number;
}

const PACE: Pace = { pingMs: 15_000, silenceMs: 45_000 };

/**
 * Asks a client now and then whether it is there, and ends the connection of one that is not.
 * @param stream what the socket is on: who is in the middle of sending a frame, or takes one after the other slowly, is there
 */
export function keepAlive(socket: WebSocket, stream: Socket, { pingMs, silenceMs }: Pace = PACE): void {
  const traffic = new Traffic(stream);
  let heard = performance.now();
  const hear = (): void => {
    heard = performance.now();
  };
  const timer = setInterval(() => {
    if (traffic.hasMoved()) hear();
    if (performance.now() - heard >= silenceMs) socket.terminate();
    else socket.ping();
  }, pingMs);
  timer.unref();
  socket.on('pong', hear);
  socket.on('ping', hear);
  socket.on('message', hear);
  socket.on('close', () => clearInterval(timer));
}

/** What a client has sent and taken, in bytes. */
class Traffic {
  readonly #stream: Socket;
  #sent = 0;
  #taken = 0;
  /** Whether bytes waited for the client to take some: those that go then are of its doing. */
  #hadBacklog = false;

  constructor(stream: Socket) {
    this.#stream = stream;
    this.hasMoved();
  }

  /** Whether there was any since the last look. */
  hasMoved(): boolean {
    const { bytesRead, bytesWritten, writableLength } = this.#stream;
    const taken = bytesWritten - writableLength;
    const hasMoved = bytesRead > this.#sent || (this.#hadBacklog && taken > this.#taken);
    this.#sent = bytesRead;
    this.#taken = taken;
    this.#hadBacklog = writableLength > 0;
    return hasMoved;
  }
}
