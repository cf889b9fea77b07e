import type { Socket } from 'node:net';
import {
  type EventMessage,
  encode,
  type Hello,
  type Message,
  MessageDecoder,
  type MessageType,
} from '../../protocol/index.js';

type Of<T extends MessageType> = Extract<Message, { readonly type: T }>;

/** A hello of a consumer that wants everything a source has. */
export const HELLO: Extract<Hello, { readonly role: 'consumer' }> = {
  type: 'hello',
  role: 'consumer',
  protocol: 2,
  version: '1.2.0',
  pid: 42,
  secret: 'secret',
  event_key: 'shop.order',
  event_type: 'order',
  subscription_id: 'shop.order',
  source: { kind: 'feed', server: 'http://127.0.0.1:1', project: 'p', stream: 'events' },
  needs_lease: false,
  single_consumer: false,
  buffer_size: 100,
  on_slow: 'replay',
};

/** The other side of a connection to a bus, which notes what it is told. */
export class TestConsumer {
  readonly messages: Message[] = [];
  readonly socket: Socket;
  isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = new MessageDecoder((message) => this.messages.push(message));
    socket.on('data', (piece: Buffer) => {
      decoder.push(piece);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  say(...messages: readonly Message[]): void {
    this.socket.write(messages.map(encode).join(''));
  }

  all<T extends MessageType>(type: T): Of<T>[] {
    // A message of this type is one of it; the compiler does not see through the comparison.
    return this.messages.filter((message) => message.type === type) as Of<T>[];
  }

  /** The numbers of the events it has. */
  get numbers(): unknown[] {
    return this.all('event').map(({ event }: EventMessage) => event.payload);
  }

  /** Resolves once it has been told enough, or its connection is closed. */
  async until(isEnough: (consumer: this) => boolean): Promise<void> {
    while (!isEnough(this)) {
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.messages.slice(-3))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The first message of a type, once it is there. */
  async first<T extends MessageType>(type: T): Promise<Of<T>> {
    await this.until(() => this.all(type).length > 0);
    const [first] = this.all(type);
    if (first === undefined) throw new Error(`no ${type}`);
    return first;
  }

  /** Resolves once everything from now on comes. */
  async connected(): Promise<void> {
    await this.until(() => this.all('source_status').some(({ state }) => state === 'connected'));
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
