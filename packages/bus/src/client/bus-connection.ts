import type { Socket } from 'node:net';
import { afterSilence } from '@weir/base';
import type { BusDirectory } from '../directory/bus-directory.js';
import { readBusFile, readSecret } from '../directory/bus-file.js';
import { encode, type Hello, type Message, MessageDecoder, PROTOCOL_VERSION } from '../protocol/index.js';
import { localTransport } from '../transport/index.js';

/** Members of hello that the connection adds itself. */
type Greeting = 'type' | 'protocol' | 'pid' | 'secret';
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The members of hello that the caller provides. */
export type Introduction = DistributiveOmit<Hello, Greeting>;

type Batch = readonly Message[];

/** How long `close` waits for the bus to read the remaining data. */
const CLOSE_MS = 2_000;

/** A connection to a bus. `open` sends hello. */
export class BusConnection {
  readonly #socket: Socket;
  readonly #batches: AsyncGenerator<Batch, void, undefined>;
  #next: Promise<IteratorResult<Batch, void>> | undefined;
  #unread: Message[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    // The `close` of the socket follows each error and ends the iteration; without a listener the process would crash.
    socket.on('error', () => {});
    this.#batches = batchesOf(socket);
  }

  /**
   * Connects to the bus of a directory.
   *
   * @throws TransportError `not_running` if no bus listens.
   */
  static async open(directory: BusDirectory, introduction: Introduction): Promise<BusConnection> {
    const socket = await connectTo(directory);
    const connection = new BusConnection(socket);
    // Read the secret after connecting: the bus writes its secret when it starts, so an earlier read could be stale.
    const secret = (await readSecret(directory)) ?? 'none';
    connection.send({ type: 'hello', protocol: PROTOCOL_VERSION, pid: process.pid, secret, ...introduction });
    return connection;
  }

  /**
   * The next messages; undefined once the connection has ended, the signal has aborted, or `silenceMs` have passed
   * without one. Messages that arrive later stay in the buffer for the next call.
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

  /** The next single message. */
  async receiveOne(signal?: AbortSignal, silenceMs?: number): Promise<Message | undefined> {
    const [first, ...rest] = (await this.receive(signal, silenceMs)) ?? [];
    this.#unread = rest;
    return first;
  }

  /** Sends a message; returns false if the connection has ended. */
  send(message: Message): boolean {
    if (!this.#socket.writable) return false;
    this.#socket.write(encode(message));
    return true;
  }

  /** Closes the connection after the bus has read all sent messages; discards the messages that arrive meanwhile. */
  async close(): Promise<void> {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
    try {
      // Keep reading: with a full receive buffer the bus could not finish writing, and would never read our end.
      while ((await this.receive()) !== undefined);
    } catch {
      // Closing may fail; the connection has ended either way.
    } finally {
      clearTimeout(timer);
      this.#socket.destroy();
    }
  }

  /** Closes the connection immediately. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** Connects to the socket that the bus file names, or to the default one. Throws TransportError. */
export async function connectTo(directory: BusDirectory): Promise<Socket> {
  const file = await readBusFile(directory);
  return await localTransport().connect(file?.socket ?? directory.socket);
}

async function* batchesOf(socket: Socket): AsyncGenerator<Batch, void, undefined> {
  let messages: Message[] = [];
  const decoder = new MessageDecoder((message) => void messages.push(message));
  const pieces: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]();
  for (;;) {
    // A broken connection counts as ended.
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
