import type { Duplex } from 'node:stream';
import { encode, type Message, MessageDecoder, type PlainMessage, ProtocolError } from '../protocol/index.js';

/** How long the peer has to read the last line. */
const LAST_LINE_MS = 1_000;

/** Handles the messages and events of a connection. */
export interface ConnectionHandler {
  onMessage(message: Message): void;
  /** The peer sent invalid data; the connection reads nothing further. */
  onUnreadable(error: ProtocolError): void;
  /** The write buffer is empty: the connection accepts more data without buffering. */
  onFree(): void;
  /** The connection has ended. Called once. */
  onClose(): void;
}

/** Sends and receives messages on one socket. */
export class Connection {
  readonly #socket: Duplex;
  readonly #decoder: MessageDecoder;
  readonly #onWritten = () => {
    if (this.isFree) this.#handler?.onFree();
  };
  #handler: ConnectionHandler | undefined;
  #isOpen = true;

  constructor(socket: Duplex, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#decoder = new MessageDecoder((message) => this.#handler?.onMessage(message));
    socket.on('data', (piece: Buffer) => this.#read(piece));
    socket.on('end', () => this.close());
    // Node closes a socket after an error; without a listener the error would crash the process.
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  /** Replaces the handler. */
  handOver(handler: ConnectionHandler): void {
    if (this.#isOpen) this.#handler = handler;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True if a write would not be buffered in this process. */
  get isFree(): boolean {
    return this.#isOpen && this.#socket.writableLength === 0;
  }

  send(message: PlainMessage): void {
    this.write(encode(message));
  }

  write(bytes: Buffer | string): void {
    if (this.#isOpen) this.#socket.write(bytes, this.#onWritten);
  }

  /** Sends a last message and closes. If the peer does not read it within {@link LAST_LINE_MS}, it is lost. */
  end(last: PlainMessage): void {
    this.write(encode(last));
    this.close();
  }

  /** Closes the connection; data already written has {@link LAST_LINE_MS} to be sent. */
  close(): void {
    if (!this.#isOpen) return;
    const handler = this.#handler;
    this.#isOpen = false;
    this.#handler = undefined;
    if (!this.#socket.destroyed) {
      const timer = setTimeout(() => this.#socket.destroy(), LAST_LINE_MS);
      this.#socket.once('close', () => clearTimeout(timer)).end();
    }
    handler?.onClose();
  }

  #read(piece: Buffer): void {
    if (!this.#isOpen) return;
    try {
      this.#decoder.push(piece);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#handler?.onUnreadable(error);
    }
  }
}
