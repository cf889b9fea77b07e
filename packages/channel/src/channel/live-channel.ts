import { type Log, LogError } from '@weir/log';
import { Turns } from '../commit/turns.js';
import { AppendQueue, type AppendTarget } from './append-queue.js';
import { Arrived } from './arrived.js';
import { type Caller, checkReader, type Sender, writes } from './caller.js';
import type { Channel } from './channel.js';
import { ChannelError } from './channel-error.js';
import type { ChannelLimits, ProcessLimits, Settings } from './limits.js';
import type { MsgEntry } from './message.js';
import { decodeMessage, decodeSenders } from './message-codec.js';
import type { RateLimiter } from './rate-limiter.js';
import { executorPlace, NO_SENDERS, type Senders } from './senders.js';
import type { Subscriber } from './subscriber.js';

/** The end of a channel: no entry follows `lastIndex`. */
export interface ChannelEnd {
  /** `ended` if both sides sent `end`; otherwise the reason for which the process closed. */
  readonly reason: string;
  readonly lastIndex: number;
}

/** State shared by the channels of one process while they are in memory. */
export interface ProcessGate {
  /** Set while the process closes: new messages are rejected. */
  closing: boolean;
  /** Set after the process was cleaned up. */
  gone: boolean;
  /** Limits of the process; they override the router's. */
  readonly limits: Partial<ProcessLimits>;
  /** The owner whose share of the log its messages count towards. */
  readonly owner: string | undefined;
  bucketOf(sender: Sender): RateLimiter | undefined;
}

const PREFIX = 'channel:';

/** The name of the log stream with the messages of a channel. */
export function streamOf(channelId: string): string {
  return PREFIX + channelId;
}

/** A channel in memory: the places of its senders, and its current readers. The messages are only in the log. */
export class LiveChannel implements AppendTarget {
  readonly log: Log;
  readonly stream: string;
  readonly turns = new Turns();
  readonly queue = new AppendQueue(this);
  readonly subscribers = new Set<Subscriber>();
  readonly #settings: Settings;
  readonly #gate: ProcessGate;
  readonly #sleepers = new Set<() => void>();
  #channel: Channel;
  #senders: Senders;
  #last: number;

  private constructor(log: Log, channel: Channel, gate: ProcessGate, settings: Settings, tail: Tail) {
    this.log = log;
    this.stream = streamOf(channel.id);
    this.#channel = channel;
    this.#gate = gate;
    this.#settings = settings;
    this.#senders = tail.senders;
    this.#last = tail.last;
  }

  static async open(log: Log, channel: Channel, gate: ProcessGate, settings: Settings): Promise<LiveChannel> {
    const { last } = await log.stats(streamOf(channel.id));
    const [entry] = await log.read(streamOf(channel.id), { after: Math.max(0, last - 1), limit: 1 });
    const senders = entry === undefined ? NO_SENDERS : decodeSenders(entry.data);
    return new LiveChannel(log, channel, gate, settings, { senders, last });
  }

  get channel(): Channel {
    if (this.#gate.gone) throw gone(this.#channel.processId);
    return this.#channel;
  }

  get limits(): ChannelLimits {
    return { ...this.#settings.limits, ...this.#gate.limits, ...this.#channel.limits };
  }

  get owner(): string | undefined {
    return this.#gate.owner;
  }

  get senders(): Senders {
    return this.#senders;
  }

  /** Index of the last message. */
  get last(): number {
    return this.#last;
  }

  get isOpen(): boolean {
    return !this.#gate.closing && this.#channel.closed === undefined;
  }

  /** Set when no further entry can follow. */
  get end(): ChannelEnd | undefined {
    const { closed } = this.#channel;
    if (closed !== undefined) return { reason: closed.reason, lastIndex: this.#last };
    const { submitter } = this.#senders;
    const executor = executorPlace(this.#senders, this.#channel.attempt);
    const isOver =
      (submitter.ended || !writes(this.#channel, 'submitter')) &&
      (executor.ended || !writes(this.#channel, 'executor'));
    return isOver ? { reason: 'ended', lastIndex: this.#last } : undefined;
  }

  bucketOf(sender: Sender): RateLimiter | undefined {
    return this.#gate.bucketOf(sender);
  }

  now(): number {
    return this.#settings.now();
  }

  checkReader(caller: Caller): void {
    checkReader(this.channel, caller);
  }

  /**
   * Reads a page of entries after an index: at least one if any exists, and at most `maxBytes`.
   * @throws ChannelError `cursor_expired`, `channel_gone`
   */
  async read(after: number, o: { readonly limit?: number; readonly maxBytes: number }): Promise<MsgEntry[]> {
    try {
      const entries = await this.log.read(this.stream, { after, ...o });
      return entries.map(({ offset, data }) => decodeMessage(offset, data));
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'cursor_expired') throw error;
      const { id } = this.channel;
      const { first } = await this.log.stats(this.stream);
      throw new ChannelError('cursor_expired', `channel ${id} keeps no entries before ${first}`, {
        oldest: first,
        hint: `read after ${first - 1}, which is the oldest entry kept; what lies before is lost to you`,
      });
    }
  }

  /** Resolves at the next change of the channel, after `waitMs`, or when the signal aborts. */
  changed(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      signal?.addEventListener('abort', wake);
      this.#sleepers.add(wake);
      if (signal?.aborted) wake();
    });
  }

  stored(first: number, entries: readonly Uint8Array[], senders: Senders): void {
    this.#senders = senders;
    this.#last = first + entries.length - 1;
    if (this.subscribers.size > 0) {
      const arrived = new Arrived(first, entries);
      for (const subscriber of [...this.subscribers]) subscriber.push(arrived);
    }
    this.#wake();
  }

  /** Applies a change of the process. */
  update(channel: Channel): void {
    this.#channel = channel;
    this.lookAgain();
  }

  /** Disconnects readers that lost access; the other readers check for the end of the channel. */
  lookAgain(): void {
    for (const subscriber of [...this.subscribers]) subscriber.look();
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}

/** The state that the last entry of a channel carries. */
interface Tail {
  readonly senders: Senders;
  readonly last: number;
}

/** The error for a process that was cleaned up. */
export function gone(processId: string): ChannelError {
  return new ChannelError('channel_gone', `the channels of process ${processId} have been removed`);
}
