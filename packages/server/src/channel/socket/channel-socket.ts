import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Problem } from '../../http/problem.js';
import type { Brake } from '../../http/socket/brake.js';
import { closeOn, GOING_AWAY, POLICY_VIOLATION } from '../../http/socket/close-on.js';
import { keepAlive } from '../../http/socket/heartbeat.js';
import { onMessages } from '../../http/socket/in-turns.js';
import { batchTooLarge } from '../batch-limit.js';
import { messageOf, readAppend } from './append-frame.js';
import { type About, type ClientFrame, errorFrame, type OpenFrame, readControl } from './control-frames.js';
import { SocketChannel, type SocketChannelParts } from './socket-channel.js';

/** Maximum channels of a connection. */
const MAX_CHANNELS = 1_000;
/** Retained numbers of ended channels, for which late frames may arrive. */
const MAX_ENDED = 1_000;
/** Numbers of a connection whose refusal is kept: an error with its stack takes about a kilobyte. */
const MAX_REFUSED = 100;

/** Dependencies of a {@link ChannelSocket}. */
export interface ChannelSocketParts extends Omit<SocketChannelParts, 'refuse'> {
  /** The connection under the WebSocket. */
  readonly stream: Socket;
  readonly brake: Brake;
  /** Aborts when the server stops. */
  readonly ending: AbortSignal;
  /** Aborts when the user loses the right. */
  readonly lost: AbortSignal;
  /** Called with unexpected errors. */
  readonly onFailure: (error: unknown) => void;
}

/** One connection with many channels. See docs/protocols/channels-websocket.md. */
export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #parts: ChannelSocketParts;
  readonly #channels = new Map<number, SocketChannel>();
  /** Oldest first. */
  readonly #ended = new Set<number>();
  /** The errors of refused openings by channel number, oldest first. */
  readonly #refused = new Map<number, unknown>();

  constructor(socket: WebSocket, parts: ChannelSocketParts) {
    this.#socket = socket;
    this.#parts = parts;
  }

  /** Serves until the connection ends. */
  async run(): Promise<void> {
    const { ending, lost } = this.#parts;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    // The library closes the connection after an invalid frame; the listener only prevents an uncaught error.
    this.#socket.on('error', () => {});
    const allHandled = onMessages(this.#socket, this.#parts.brake, (frame, isBinary) =>
      this.#receive(frame, isBinary),
    );
    keepAlive(this.#socket, this.#parts.stream);
    closeOn(ending, this.#socket, GOING_AWAY, 'the server stops');
    closeOn(lost, this.#socket, POLICY_VIOLATION, 'the API key or its project may no longer use channels');
    await closed;
    await allHandled();
    for (const channel of this.#channels.values()) channel.end();
  }

  /** Ends readings whose caller lost the right. */
  async recheck(): Promise<void> {
    for (const channel of this.#channels.values()) await channel.recheck();
  }

  #receive(frame: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#append(frame);
      return;
    }
    const { about, parse } = readControl(frame);
    this.#do(about, parse).catch((error: unknown) => this.#refuse(about, error));
  }

  #append(data: Buffer): void {
    let about: About = {};
    try {
      const { ch, sequence, items, isTooLarge, bytes } = readAppend(data);
      const channel = this.#channels.get(ch);
      // The client sent the frame before it saw the end of the channel.
      if (channel === undefined && this.#ended.has(ch)) return;
      about = { ch, of: 'append', sequence };
      if (channel === undefined) throw this.#whyNotOpen(ch);
      if (isTooLarge) throw batchTooLarge();
      channel.append({ sequence, messages: items.map(messageOf), bytes });
    } catch (error) {
      this.#refuse(about, error);
    }
  }

  async #do(about: About, parse: () => ClientFrame): Promise<void> {
    const frame = parse();
    switch (frame.op) {
      case 'ping':
        this.#parts.outbox.answer({ op: 'pong' });
        return;
      case 'open':
        await this.#open(frame);
        return;
      case 'credit':
        if (!this.#ended.has(frame.ch)) this.#find(frame.ch).credit(frame.bytes);
        return;
      case 'read':
        if (!this.#ended.has(frame.ch)) await this.#find(frame.ch).read(frame.after);
        return;
      case 'close':
        if (!this.#ended.has(frame.ch)) await this.#close(frame.ch);
        this.#parts.outbox.answer({ op: 'done', ch: about.ch });
    }
  }

  async #open(frame: OpenFrame): Promise<void> {
    const { ch } = frame;
    if (this.#channels.has(ch)) {
      throw new Problem('already_open', `channel ${ch} is already open on this connection`, {
        hint: 'use another number, or close that channel first',
      });
    }
    if (this.#channels.size >= MAX_CHANNELS) {
      const error = new Problem(
        'too_many_channels_open',
        `a connection has at most ${MAX_CHANNELS} channels`,
        {
          limit: MAX_CHANNELS,
          hint: 'close some, or open another connection',
        },
      );
      this.#rememberRefusal(ch, error);
      throw error;
    }
    const refuse = (about: About, error: unknown) => this.#refuse(about, error);
    const channel = new SocketChannel(frame, { ...this.#parts, refuse }, () => this.#forget(ch, channel));
    this.#channels.set(ch, channel);
    this.#ended.delete(ch);
    this.#refused.delete(ch);
    try {
      await channel.opened();
    } catch (error) {
      // The client no longer waits for the answer.
      if (channel.isLeaving) return;
      this.#channels.delete(ch);
      this.#rememberRefusal(ch, error);
      throw error;
    }
  }

  /** Frames that the client sent before it saw the refusal get the same code (rule 9). */
  #rememberRefusal(ch: number, error: unknown): void {
    this.#refused.delete(ch);
    this.#refused.set(ch, error);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
  }

  async #close(ch: number): Promise<void> {
    const channel = this.#find(ch);
    await channel.close();
    this.#forget(ch, channel);
  }

  #find(ch: number): SocketChannel {
    const channel = this.#channels.get(ch);
    if (channel === undefined) throw this.#whyNotOpen(ch);
    return channel;
  }

  #whyNotOpen(ch: number): unknown {
    return this.#refused.get(ch) ?? notOpen(ch);
  }

  #forget(ch: number, channel: SocketChannel): void {
    if (this.#channels.get(ch) !== channel) return;
    this.#channels.delete(ch);
    this.#ended.add(ch);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
  }

  #refuse(about: About, error: unknown): void {
    const { outbox, onFailure } = this.#parts;
    const frame = errorFrame(about, error);
    if (frame.code === 'internal') onFailure(error);
    outbox.answer(frame);
  }
}

function notOpen(ch: number): Problem {
  return new Problem('channel_not_open', `there is no channel ${ch} on this connection`, {
    hint: 'open it first',
  });
}
