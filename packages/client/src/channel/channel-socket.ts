import { Backoff, pause, retryAfterMs } from '@weir/base';
import WebSocket from 'ws';
import type { Connection } from '../http/connection.js';
import { errorOfDocument, type WeirError } from '../weir-error.js';
import { readEntries } from './frames.js';
import type { Message } from './message.js';

/** A frame of JSON, by its `op`. */
export type ControlFrame = { readonly op: string; readonly ch?: number } & Readonly<Record<string, unknown>>;

/** One channel of a connection. */
export interface Link {
  /** There is a new connection, on which no channel is open yet. */
  onConnected(): void;
  onDisconnected(): void;
  onControl(frame: ControlFrame): void;
  onMessages(messages: readonly Message[], bytes: number): void;
  /** There will be no further connection. */
  onFailure(error: WeirError): void;
}

const HANDSHAKE_MS = 10_000;
/** The server sends a ping every 15 s: a connection that is silent for so long is dead. */
const SILENCE_MS = 45_000;
/** A page of messages has 1 MiB, and a message may be larger. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const sockets = new WeakMap<Connection, ChannelSocket>();

/** The connection all channels of a client share. */
export function socketOf(connection: Connection): ChannelSocket {
  let socket = sockets.get(connection);
  if (socket === undefined) {
    socket = new ChannelSocket(connection.url, connection.credential);
    sockets.set(connection, socket);
  }
  return socket;
}

/** One connection for many channels: open while there is a channel, and opened again after it broke. */
export class ChannelSocket {
  readonly #url: string;
  readonly #credential: string | null;
  readonly #links = new Map<number, Link>();
  #lastCh = 0;
  #running = false;
  /** Ends the pause between two connections. */
  #pausing = new AbortController();
  #socket: WebSocket | null = null;

  constructor(server: string, credential: string | null) {
    this.#url = `${server.replace(/^http/, 'ws')}/api/v1/channels`;
    this.#credential = credential;
  }

  /** Adds a channel. @returns its number, which no other channel of the client gets */
  attach(link: Link): number {
    this.#lastCh += 1;
    const ch = this.#lastCh;
    this.#links.set(ch, link);
    if (!this.#running) void this.#run();
    else if (this.#socket?.readyState === WebSocket.OPEN) queueMicrotask(() => this.#connected(ch));
    return ch;
  }

  /** Removes a channel; without channels the connection ends. */
  detach(ch: number): void {
    this.#links.delete(ch);
    if (this.#links.size > 0) return;
    this.#socket?.close();
    this.#pausing.abort();
  }

  /** Sends JSON, or bytes as they are. Without a connection it does nothing: {@link Link.onConnected} sends all again. */
  send(frame: object | Uint8Array): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(frame instanceof Uint8Array ? frame : JSON.stringify(frame), () => {});
  }

  #connected(ch: number): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#links.get(ch)?.onConnected();
  }

  /** Connects again and again while there are channels. Never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    const backoff = new Backoff();
    while (this.#links.size > 0) {
      const { wasOpen, failure } = await this.#serve();
      const links = [...this.#links.values()];
      if (failure !== null && !failure.retryable) {
        this.#links.clear();
        for (const link of links) link.onFailure(failure);
        break;
      }
      for (const link of links) link.onDisconnected();
      if (this.#links.size === 0) break;
      if (wasOpen) backoff.reset();
      this.#pausing = new AbortController();
      await pause(backoff.next(failure?.retryAfterMs), this.#pausing.signal);
    }
    this.#running = false;
  }

  /** One connection, until it is over. */
  #serve(): Promise<{ readonly wasOpen: boolean; readonly failure: WeirError | null }> {
    const socket = new WebSocket(this.#url, {
      headers: this.#credential === null ? {} : { authorization: `Bearer ${this.#credential}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.#socket = socket;
    return new Promise((resolve) => {
      let wasOpen = false;
      let refused: Promise<WeirError> | null = null;
      let silence: NodeJS.Timeout | undefined;
      const heard = (): void => {
        silence ??= setTimeout(() => socket.terminate(), SILENCE_MS);
        silence.refresh();
      };
      socket.on('open', () => {
        wasOpen = true;
        heard();
        for (const ch of [...this.#links.keys()]) this.#connected(ch);
      });
      // A large message takes long: each piece of it counts as a sign of life.
      socket.on('upgrade', (response) => response.socket.on('data', heard));
      socket.on('message', (data, isBinary) => {
        try {
          // The cast holds: messages come as one Buffer, ws's default.
          this.#receive(data as Buffer, isBinary);
        } catch {
          // A frame that cannot be read was damaged, or is not from a Weir server: connect again and read it again.
          socket.terminate();
        }
      });
      socket.on('unexpected-response', (_request, response) => {
        refused = refusalOf(response);
        void refused.then(() => socket.terminate());
      });
      // `close` follows and handles it.
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(silence);
        this.#socket = null;
        void (refused ?? Promise.resolve(null)).then((failure) => resolve({ wasOpen, failure }));
      });
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      const frame = readEntries(data);
      if (frame !== null) this.#links.get(frame.ch)?.onMessages(frame.messages, frame.bytes);
      return;
    }
    // The cast holds by the protocol.
    const frame = JSON.parse(data.toString()) as ControlFrame;
    if (frame.ch !== undefined) this.#links.get(frame.ch)?.onControl(frame);
  }
}

/** Why a handshake was refused. */
async function refusalOf(response: import('node:http').IncomingMessage): Promise<WeirError> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch {
    // The part that was received is enough.
  }
  const text = Buffer.concat(chunks).toString();
  let document: unknown = null;
  try {
    document = JSON.parse(text);
  } catch {
    // A proxy answered.
  }
  const waitMs = retryAfterMs(response.headers['retry-after'], Date.now());
  return errorOfDocument(document, response.statusCode ?? 0, waitMs);
}
