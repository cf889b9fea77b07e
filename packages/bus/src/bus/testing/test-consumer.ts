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

/** Hello of a consumer that wants every event of a source. */
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

/** A client connection to a bus that records all messages. */
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
    // TypeScript cannot narrow the union by this comparison.
    return this.messages.filter((message) => message.type === type) as Of<T>[];
  }

  /** The numbers of the received events. */
  get numbers(): unknown[] {
    return this.all('event').map(({ event }: EventMessage) => event.payload);
  }

  /** Resolves once the recorded messages satisfy the condition, or the connection has closed. */
  async until(isEnough: (consumer: this) => boolean): Promise<void> {
    while (!isEnough(this)) {
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.messages.slice(-3))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The first message of a type; waits for it. */
  async first<T extends MessageType>(type: T): Promise<Of<T>> {
    await this.until(() => this.all(type).length > 0);
    const [first] = this.all(type);
    if (first === undefined) throw new Error(`no ${type}`);
    return first;
  }

  /** Resolves once the consumer receives every new event. */
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
