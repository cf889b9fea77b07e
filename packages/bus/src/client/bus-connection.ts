import type { Socket } from 'node:net';
import { afterSilence } from '@weir/base/node';
import type { BusDirectory } from '../directory/bus-directory.js';
import { readBusFile, readSecret } from '../directory/bus-file.js';
import { encode, type Hello, type Message, MessageDecoder, PROTOCOL_VERSION } from '../protocol/index.js';
import { localTransport } from '../transport/index.js';

/** What every hello has, and the connection adds. */
type Greeting = 'type' | 'protocol' | 'pid' | 'secret';
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What a connection is opened with. */
export type Introduction = DistributiveOmit<Hello, Greeting>;

type Batch = readonly Message[];

/** How long the bus may take to read the last of it. */
const CLOSE_MS = 2_000;

/** One connection to a bus, hello said. */
export class BusConnection {
  readonly #socket: Socket;
  readonly #batches: AsyncGenerator<Batch, void, undefined>;
  #next: Promise<IteratorResult<Batch, void>> | undefined;
  #unread: Message[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    // An error is followed by the end, which says all that is to be known.
    socket.on('error', () => {});
    this.#batches = batchesOf(socket);
  }

  /**
   * Connects to the bus of a directory.
   *
   * @throws TransportError `not_running` when there is none.
   */
  static async open(directory: BusDirectory, introduction: Introduction): Promise<BusConnection> {
    const socket = await connectTo(directory);
    const connection = new BusConnection(socket);
    // Read after connecting: who answers has written it, or does so now.
    const secret = (await readSecret(directory)) ?? 'none';
    connection.send({ type: 'hello', protocol: PROTOCOL_VERSION, pid: process.pid, secret, ...introduction });
    return connection;
  }

  /**
   * The next messages; undefined once the connection has ended, the signal has aborted, or nothing came for so long:
   * what comes then is for the next call.
   *
   * @throws ProtocolError
   */
  async receive(signal?: AbortSignal, silenceMs?: number): Promise<Batch | undefined> {
    if (this.#unread.length > 0) {
      const unread = this.#unread;
      this.#unread = [];
      return unread;
    }
    this.#next ??= this.#batches.next();
    const next = await unlessAborted(this.#next, signal, silenceMs);
    if (next === undefined) return undefined;
    this.#next = undefined;
    return next.done === true ? undefined : next.value;
  }

  /** The next message alone. */
  async receiveOne(signal?: AbortSignal, silenceMs?: number): Promise<Message | undefined> {
    const [first, ...rest] = (await this.receive(signal, silenceMs)) ?? [];
    this.#unread = rest;
    return first;
  }

  /** Says something; false when the connection has ended. */
  send(message: Message): boolean {
    if (!this.#socket.writable) return false;
    this.#socket.write(encode(message));
    return true;
  }

  /** Ends it once the bus has read everything that was said; what it says meanwhile is dropped. */
  async close(): Promise<void> {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
    try {
      // What nobody reads would keep the bus from getting to the end.
      while ((await this.receive()) !== undefined);
    } catch {
      // It is over all the same.
    } finally {
      clearTimeout(timer);
      this.#socket.destroy();
    }
  }

  /** Ends it at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** A socket to the bus of a directory, wherever that says it listens. Throws TransportError. */
export async function connectTo(directory: BusDirectory): Promise<Socket> {
  const file = await readBusFile(directory);
  return await localTransport().connect(file?.socket ?? directory.socket);
}

async function* batchesOf(socket: Socket): AsyncGenerator<Batch, void, undefined> {
  let messages: Message[] = [];
  const decoder = new MessageDecoder((message) => void messages.push(message));
  const pieces: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]();
  for (;;) {
    // However the connection broke, it has ended.
    const { done, value } = await pieces.next().catch(() => ({ done: true, value: undefined }) as const);
    if (done === true || value === undefined) return;
    decoder.push(value);
    if (messages.length === 0) continue;
    yield messages;
    messages = [];
  }
}

async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  ms: number | undefined,
): Promise<T | undefined> {
  if (signal?.aborted === true) return undefined;
  let giveUp = () => {};
  const given = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  signal?.addEventListener('abort', giveUp, { once: true });
  const forget = ms === undefined ? undefined : afterSilence(ms, giveUp);
  try {
    return await Promise.race([work, given]);
  } finally {
    forget?.();
    signal?.removeEventListener('abort', giveUp);
  }
}
