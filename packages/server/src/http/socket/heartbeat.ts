import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Ping interval, and maximum silence of a client, milliseconds. */
export interface Pace {
  readonly pingMs: number;
  /** Silence after which the connection is ended. */
  readonly silenceMs: number;
}

const PACE: Pace = { pingMs: 15_000, silenceMs: 45_000 };

/**
 * Pings a client, and ends its connection if it does not respond.
 * @param stream the connection under the socket: bytes in either direction count as a sign of life, because a client in
 *   the middle of a long frame cannot answer a ping
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

/** The bytes that a client has sent and received. */
class Traffic {
  readonly #stream: Socket;
  #sent = 0;
  #taken = 0;
  /** Whether bytes waited for the client: those that leave then prove that the client reads. */
  #hadBacklog = false;

  constructor(stream: Socket) {
    this.#stream = stream;
    this.hasMoved();
  }

  /** Whether any bytes moved since the last call. */
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
