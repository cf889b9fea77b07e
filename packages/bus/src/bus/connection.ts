import type { Duplex } from 'node:stream';
import { encode, type Message, MessageDecoder, type PlainMessage, ProtocolError } from '../protocol/index.js';

/** How long the other side has to take the last line. */
const LAST_LINE_MS = 1_000;

/** Who deals with a connection. */
export interface ConnectionHandler {
  onMessage(message: Message): void;
  /** What the other side says is not the protocol: nothing more is read. */
  onUnreadable(error: ProtocolError): void;
  /** All that was written is on its way: the connection takes more. */
  onFree(): void;
  /** The other side is gone, or the connection was ended here. Told once. */
  onClose(): void;
}

/** One socket as messages. */
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
    // A socket that had an error closes by itself.
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  /** Gives the connection into other hands. */
  handOver(handler: ConnectionHandler): void {
    if (this.#isOpen) this.#handler = handler;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it would take bytes without keeping them here. */
  get isFree(): boolean {
    return this.#isOpen && this.#socket.writableLength === 0;
  }

  send(message: PlainMessage): void {
    this.write(encode(message));
  }

  write(bytes: Buffer | string): void {
    if (this.#isOpen) this.#socket.write(bytes, this.#onWritten);
  }

  /** Sends the last message and closes; whoever does not take it soon loses it. */
  end(last: PlainMessage): void {
    this.write(encode(last));
    this.close();
  }

  /** Closes; what was written still goes, for a moment. */
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
