import { connect, type Socket } from 'node:net';

/** One answer: its status and how long it took. */
export type OnAnswer = (status: number, milliseconds: number) => void;

/**
 * One keep-alive connection with one request at a time, on a bare socket: a full HTTP client would cost more than the
 * server it measures, on the same two cores.
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #onAnswer: OnAnswer;
  #sentAt = 0;
  #received = '';

  constructor(host: string, port: number, onAnswer: OnAnswer) {
    this.#onAnswer = onAnswer;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => this.#receive(chunk));
    this.#socket.on('error', () => this.#onAnswer(0, 0));
  }

  /** Sends a request's bytes. */
  send(request: Buffer): void {
    this.#sentAt = performance.now();
    // A copy: the template is written anew for the next connection before the socket has taken it all.
    this.#socket.write(Buffer.from(request));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? Number.NaN);
    const isWhole = Number.isNaN(length)
      ? this.#received.endsWith('0\r\n\r\n')
      : this.#received.length >= headEnd + 4 + length;
    if (!isWhole) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.#onAnswer(status, performance.now() - this.#sentAt);
  }
}
