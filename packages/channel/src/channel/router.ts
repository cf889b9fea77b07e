/**
 * The channels of processes: each channel is a durable message log that a submitter and an executor share during the
 * job.
 *
 * - An append resolves when it is durable. Indexes are dense from 1 and the same for every reader.
 * - A message that is sent again with the same sequence gets its first answer, also after restarts.
 * - A subscriber receives every entry after its cursor once, in order, or an error with the reason.
 *
 * Only one router may write to a channel.
 */

import { takeTurn } from '@weir/base';
import { type Log, openLog } from '@weir/log';
import { LiveCache } from '../commit/live-cache.js';
import { type Caller, type Role, roleOf, type Sender } from './caller.js';
import {
  type Channel,
  type ChannelSpec,
  channelOf,
  checkProcessId,
  type NewChannel,
  type ProcessInfo,
  partsOf,
} from './channel.js';
import { ChannelError } from './channel-error.js';
import { DEFAULT_LIMITS, DEFAULT_RATE_LIMIT, type Limits, type RateLimit, type Settings } from './limits.js';
import type { ChannelEnd, LiveChannel } from './live-channel.js';
import { LiveProcess } from './live-process.js';
import type { Appended, MessageType, MsgEntry, NewMessage } from './message.js';
import type { Pipeline } from './pipeline.js';
import { readRecord, recordedProcesses } from './process-record.js';
import { executorPlace } from './senders.js';
import { Subscriber } from './subscriber.js';

/** Options of a {@link Router}. */
export interface RouterOptions {
  /** The log that stores all data. Its owner closes it after the router. */
  readonly log: Log;
  readonly limits?: Partial<Limits>;
  /** For processes without a rate limit of their own. Default 100 messages a second, 500 at once; `false` for none. */
  readonly rateLimit?: RateLimit | false;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** Options of a read. */
export interface ReadOptions {
  /** How long to wait for an entry if there is none, at most 30,000 ms; default 0. */
  readonly waitMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** {@link Router.logId} at the time the cursor was issued; another log id yields `log_lost`. */
  readonly logId?: string;
  /** The owner, such as a project, that shares the event loop fairly with others; default the process. */
  readonly owner?: string;
  /** Maximum bytes of the page, but at least one entry; default and maximum 4 MiB. */
  readonly maxBytes?: number;
}

/** One page of entries. */
export interface Page {
  readonly entries: readonly MsgEntry[];
  /** The cursor for the next read. */
  readonly next: number;
  /** Set when no entry follows `next`. */
  readonly closed?: ChannelEnd;
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /** The cursor to start after; default 0, which starts with the first entry. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** As in {@link ReadOptions}. */
  readonly logId?: string;
  /** As in {@link ReadOptions}. */
  readonly owner?: string;
  /**
   * Awaited before entries are taken: until it resolves, they stay in the log, and those of a live subscription in its
   * bounded buffer. It must also resolve when `onEnd` is called.
   */
  readonly room?: () => Promise<void> | void;
  /** Called once when the subscription ends, even while its consumer still processes earlier entries. */
  readonly onEnd?: () => void;
}

/** A channel as its reader sees it. */
export interface ChannelView {
  readonly channel: Channel;
  readonly role: Role;
  /** The last sequence of the caller; null before its first message, and for an observer. */
  readonly sequence: number | null;
  /** Number of retained entries. */
  readonly entries: number;
  /** Index of the last message; 0 before the first. */
  readonly lastIndex: number;
  readonly subscribers: number;
  /** Maximum bytes of a payload. */
  readonly payloadBytes: number;
  /** Set when no further entry can follow. */
  readonly end?: ChannelEnd;
}

const MAX_WAIT_MS = 30_000;
/** Maximum bytes of a page, and of one read in a single turn of the event loop. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const PORTION_BYTES = 128 * 1024;
/** Approximate bytes of an entry besides its payload. */
const ENTRY_BYTES = 80;

/** See the head of this file. */
export class Router {
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #processes: LiveCache<string, LiveProcess>;
  #subscribers = 0;
  #closed = false;

  constructor(o: RouterOptions) {
    this.#log = o.log;
    this.#settings = {
      limits: { ...DEFAULT_LIMITS, ...o.limits },
      rateLimit: o.rateLimit || DEFAULT_RATE_LIMIT,
      rateLimitEnabled: o.rateLimit !== false,
      now: o.now ?? Date.now,
    };
    this.#processes = new LiveCache({
      idOf: (id) => id,
      open: (id) => LiveProcess.open(o.log, id, this.#settings),
      weightOf: ({ exists }) => (exists ? 0 : null),
    });
  }

  /**
   * A router in memory whose senders have 500 tokens that are never refilled, so that every test run behaves the same.
   */
  static async forTesting(): Promise<Router> {
    const log = await openLog({ engine: 'memory' });
    return new Router({ log, rateLimit: { ...DEFAULT_RATE_LIMIT, perSecond: 0 } });
  }

  /** A router in memory without a rate limit. */
  static async withoutRateLimit(): Promise<Router> {
    return new Router({ log: await openLog({ engine: 'memory' }), rateLimit: false });
  }

  /** Identifies the log. A client that stores it with its cursor can tell a lost log from an empty one. */
  get logId(): string {
    return this.#log.id;
  }

  /**
   * Creates the channels of a new process, all or none.
   * @throws ChannelError `invalid_channel`, `channel_exists` (also for a duplicate name in the request),
   *   `too_many_channels`
   */
  async createForProcess(info: ProcessInfo, specs: readonly ChannelSpec[]): Promise<readonly Channel[]> {
    const wanted = specs.map((spec) => channelOf(info, spec));
    checkProcessId(info.processId);
    const { processLimits: limits, owner } = info;
    await this.#use(info.processId, (process) => process.create(wanted, { ifAbsent: false, limits, owner }));
    return wanted;
  }

  /** @throws ChannelError `channel_exists`, `channel_gone`, `channel_closed`, `invalid_channel`, `too_many_channels` */
  async create(channel: NewChannel): Promise<Channel> {
    const [created] = await this.createForProcess(channel, [channel]);
    return created ?? channelOf(channel, channel);
  }

  /** As {@link create}; returns the existing channel if there is one. */
  async createIfNotExists(channel: NewChannel): Promise<Channel> {
    const wanted = channelOf(channel, channel);
    return await this.#use(channel.processId, async (process) => {
      const { processLimits: limits, owner } = channel;
      await process.create([wanted], { ifAbsent: true, limits, owner });
      return process.find(channel.name);
    });
  }

  /** @throws ChannelError `channel_not_found`, `channel_gone` */
  async get(id: string): Promise<Channel> {
    const { processId, name } = partsOf(id);
    return await this.#use(processId, (process) => process.find(name));
  }

  /** @throws ChannelError `channel_not_found`, `channel_gone` */
  async getByProcessAndName(processId: string, name: string): Promise<Channel> {
    return await this.#use(processId, (process) => process.find(name));
  }

  /** The channels in order of creation; none for an unknown process. @throws ChannelError `channel_gone` */
  async getChannelsByProcess(processId: string): Promise<readonly Channel[]> {
    return await this.#use(processId, (process) => process.channels);
  }

  /** Returns a channel as the caller sees it. @throws ChannelError `forbidden`, `stale_attempt`, as {@link get} */
  async inspect(id: string, caller: Caller): Promise<ChannelView> {
    return await this.#useChannel(id, async (live) => {
      live.checkReader(caller);
      const { channel, last: lastIndex, end } = live;
      const role = roleOf(caller);
      const { entries } = await this.#log.stats(live.stream);
      return {
        channel,
        role,
        sequence: role === 'observer' ? null : lastSequence(live, role),
        entries,
        lastIndex,
        subscribers: live.subscribers.size,
        payloadBytes: live.limits.payloadBytes,
        ...(end !== undefined && { end }),
      };
    });
  }

  /**
   * Appends a message; resolves when it is durable.
   * @throws ChannelError with the reason in `code`; LogError `log_full`
   */
  async append(id: string, caller: Caller, message: NewMessage): Promise<Appended> {
    const [place] = await this.appendBatch(id, caller, [message]);
    // The queue returns one answer for each message.
    if (place === undefined) throw new Error('an append without an answer');
    return place;
  }

  /** As {@link append}, with the type as a separate argument. */
  async appendWithType(
    id: string,
    caller: Caller,
    message: NewMessage,
    type: MessageType,
  ): Promise<Appended> {
    return await this.append(id, caller, { ...message, type });
  }

  /**
   * Appends messages of increasing sequence, all or none. A message that is already stored gets its first answer again.
   * Calls for one channel are stored in call order.
   * @param pipeline for a caller that does not wait for an answer before it sends the next message
   */
  async appendBatch(
    id: string,
    caller: Caller,
    messages: readonly NewMessage[],
    pipeline?: Pipeline,
  ): Promise<Appended[]> {
    if (this.#closed) throw new ChannelError('draining', 'the router closes');
    return await this.#useChannel(id, (live) => live.queue.append({ caller, messages, pipeline }));
  }

  /**
   * Entries with index > `after`: at most `limit` (0 for no limit) and 4 MiB. Empty at or past the end.
   * @throws ChannelError `invalid_cursor`, `cursor_expired`, `log_lost`, `channel_gone`, `forbidden`, `stale_attempt`
   */
  async readAfter(id: string, caller: Caller, from: number, limit = 0, o: ReadOptions = {}): Promise<Page> {
    checkWhole('after', from);
    checkWhole('limit', limit);
    // Indexes start at 1: a lower cursor means the start.
    const after = Math.max(0, from);
    this.#checkLog(o.logId);
    return await this.#useChannel(id, async (live) => {
      const deadline = performance.now() + Math.min(o.waitMs ?? 0, MAX_WAIT_MS);
      for (;;) {
        const entries = await this.#read(live, caller, after, limit, o);
        const next = entries.at(-1)?.index ?? after;
        const { end } = live;
        if (end !== undefined && next >= end.lastIndex) return { entries, next, closed: end };
        const left = deadline - performance.now();
        if (entries.length > 0 || left <= 0 || o.signal?.aborted || this.#closed) return { entries, next };
        await live.changed(left, o.signal);
      }
    });
  }

  /** Reads in portions, so that a long answer of small messages yields to the event loop. */
  async #read(
    live: LiveChannel,
    caller: Caller,
    after: number,
    limit: number,
    o: ReadOptions,
  ): Promise<MsgEntry[]> {
    const { owner = live.channel.processId, maxBytes = MAX_PAGE_BYTES } = o;
    const entries: MsgEntry[] = [];
    let left = Math.min(maxBytes, MAX_PAGE_BYTES);
    for (;;) {
      await takeTurn(owner, o.signal);
      live.checkReader(caller);
      const wanted = limit > 0 ? { limit: limit - entries.length } : {};
      const portion = await live.read(after + entries.length, {
        ...wanted,
        maxBytes: Math.min(left, PORTION_BYTES),
      });
      for (const entry of portion) {
        const { byteLength } = entry.payload;
        if (entries.length > 0 && byteLength > left) return entries;
        entries.push(entry);
        left -= byteLength + ENTRY_BYTES;
      }
      const isWhole = left <= 0 || (limit > 0 && entries.length >= limit);
      if (portion.length === 0 || isWhole || o.signal?.aborted) return entries;
    }
  }

  /** Returns an iterable of the history, then of live entries. It counts as a subscriber until it ends. */
  async subscribe(id: string, caller: Caller, o: SubscribeOptions = {}): Promise<Subscriber> {
    checkWhole('after', o.after ?? 0);
    this.#checkLog(o.logId);
    const { processId, name } = partsOf(id);
    const { value: process, release } = await this.#processes.hold(processId);
    try {
      const live = await process.channel(name);
      live.checkReader(caller);
      if (this.#closed) throw new ChannelError('draining', 'the router closes', { cursor: o.after ?? 0 });
      const close = () => subscriber.close();
      const subscriber = new Subscriber(live, caller, Math.max(0, o.after ?? 0), {
        limits: () => this.#settings.limits,
        owner: o.owner ?? processId,
        room: o.room ?? (() => {}),
        onEnd: () => {
          this.#subscribers -= 1;
          o.signal?.removeEventListener('abort', close);
          release();
          o.onEnd?.();
        },
      });
      this.#subscribers += 1;
      o.signal?.addEventListener('abort', close);
      if (o.signal?.aborted) subscriber.close();
      return subscriber;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Ends a subscription without an error; idempotent. */
  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
  }

  /** Number of subscribers of all channels. */
  get subscribers(): number {
    return this.#subscribers;
  }

  async subscriberCount(id: string): Promise<number> {
    return await this.#useChannel(id, (live) => live.subscribers.size);
  }

  /**
   * Assigns one channel to an executor; an empty id removes the executor. After it resolves, the previous executor can
   * neither read nor write.
   * @param attempt default one more than the last
   * @throws ChannelError `stale_attempt` if a later attempt is recorded
   */
  async setExecutorId(id: string, executorId: string, attempt?: number): Promise<void> {
    const { processId, name } = partsOf(id);
    await this.#use(processId, async (process) => {
      process.find(name);
      await process.assign(executorId, attempt, new Set([name]));
    });
  }

  /** As {@link setExecutorId}, for all channels of a process. */
  async setExecutorIdForProcess(processId: string, executorId: string, attempt?: number): Promise<void> {
    await this.#use(processId, (process) => process.assign(executorId, attempt));
  }

  /** Closes the channels of a process: appends are rejected, and subscribers end after the last entry. */
  async closeProcess(processId: string, reason: string): Promise<void> {
    await this.#use(processId, (process) => process.close(reason));
  }

  /** Removes the channels of a process with their messages; later uses fail with `channel_gone`. Idempotent. */
  async cleanupProcess(processId: string): Promise<void> {
    await this.#use(processId, (process) => process.cleanup());
  }

  /** Number of entries that a channel retains. */
  async getLogSize(id: string): Promise<number> {
    return await this.#useChannel(id, async (live) => (await this.#log.stats(live.stream)).entries);
  }

  /** The last sequence of a sender (for the executor: of the newest attempt); -1 before the first. */
  async getSequence(id: string, role: Sender['role']): Promise<number> {
    return await this.#useChannel(id, (live) => lastSequence(live, role) ?? -1);
  }

  /** Counts all channels and processes, in memory or not; reads the record of each process once. */
  async stats(): Promise<{ readonly channels: number; readonly processes: number }> {
    let [channels, processes] = [0, 0];
    for (const id of await recordedProcesses(this.#log)) {
      const record = await readRecord(this.#log, id);
      if (typeof record === 'string' || record.gone) continue;
      processes += 1;
      channels += record.channels.length;
    }
    return { channels, processes };
  }

  /** Sets the default for channels without a limit of their own or of their process. */
  setMaxLogEntries(entries: number): void {
    this.#settings.limits = { ...this.#settings.limits, entries };
  }

  /** Sets the default for processes without a limit of their own. */
  setMaxChannelsPerProcess(channelsPerProcess: number): void {
    this.#settings.limits = { ...this.#settings.limits, channelsPerProcess };
  }

  /** Sets the buffer of a subscriber, in entries. */
  setSubscriberBufferSize(subscriberEntries: number): void {
    this.#settings.limits = { ...this.#settings.limits, subscriberEntries };
  }

  /** Turns the rate limit on or off for processes without one of their own. */
  setRateLimitEnabled(enabled: boolean): void {
    this.#settings.rateLimitEnabled = enabled;
  }

  /** Rejects appends, ends subscriptions with `draining`, answers long polls, and waits for pending appends. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const process of await this.#processes.all()) {
      for (const live of await process.live()) {
        for (const subscriber of [...live.subscribers]) subscriber.fail('draining', 'the router closes');
        live.lookAgain();
        await live.queue.idle();
      }
    }
  }

  #use<T>(id: string, work: (process: LiveProcess) => Promise<T> | T): Promise<T> {
    return this.#processes.use(id, work);
  }

  async #useChannel<T>(id: string, work: (live: LiveChannel) => Promise<T> | T): Promise<T> {
    const { processId, name } = partsOf(id);
    return await this.#processes.use(processId, async (process) => await work(await process.channel(name)));
  }

  #checkLog(logId: string | undefined): void {
    if (logId === undefined || logId === this.#log.id) return;
    throw new ChannelError('log_lost', 'the log that contained this channel was lost');
  }
}

/** Null before the first message of a side; for the executor: of the channel's attempt. */
function lastSequence({ senders, channel }: LiveChannel, role: Sender['role']): number | null {
  const place = role === 'submitter' ? senders.submitter : executorPlace(senders, channel.attempt);
  return place.sequence < 0 ? null : place.sequence;
}

/** The log uses whole numbers as offsets; it would report any other number as a damaged log. */
function checkWhole(what: string, value: number): void {
  if (Number.isSafeInteger(value)) return;
  throw new ChannelError('invalid_cursor', `${what} is not a whole number: ${value}`);
}
