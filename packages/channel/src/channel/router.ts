/**
 * The channels of processes, each a durable log of messages that a submitter and an executor share while the job runs.
 *
 * - An append resolves when it is on disk. Indexes are dense from 1 and the same for everyone.
 * - A message sent again with its sequence gets its first answer, however often and after any restart.
 * - A subscriber sees every entry after its cursor once, in order, or is told why not.
 *
 * A channel must be written through one router only.
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

/** What a router is made with. */
export interface RouterOptions {
  /** Where everything is kept; closed by whoever opened it, after the router. */
  readonly log: Log;
  readonly limits?: Partial<Limits>;
  /** Of processes that have none of their own. Default 100 messages a second, 500 at once; `false` for none. */
  readonly rateLimit?: RateLimit | false;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** How to read. */
export interface ReadOptions {
  /** When there is nothing yet, wait so long, at most 30,000 ms; default 0. */
  readonly waitMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** {@link Router.logId} when the cursor was given out: another one is `log_lost`. */
  readonly logId?: string;
  /** In whose turns of the event loop it is read, such as a project; default the process. */
  readonly owner?: string;
  /** Stop before passing so many bytes, but give at least one entry; default and at most 4 MiB. */
  readonly maxBytes?: number;
}

/** What was read. */
export interface Page {
  readonly entries: readonly MsgEntry[];
  /** Read on after this index. */
  readonly next: number;
  /** Set when nothing comes after `next` any more. */
  readonly closed?: ChannelEnd;
}

/** Where a subscription starts, and what ends it. */
export interface SubscribeOptions {
  /** Default 0, the first entry. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** As in {@link ReadOptions}. */
  readonly logId?: string;
  /** As in {@link ReadOptions}. */
  readonly owner?: string;
  /**
   * Awaited whenever there are entries, before they are taken: until it resolves they stay in the log, and those of a live
   * subscription in its bounded buffer. It has to resolve at `onEnd` too.
   */
  readonly room?: () => Promise<void> | void;
  /** Called once when it is over, also while whoever iterates it is busy with what came before. */
  readonly onEnd?: () => void;
}

/** What a channel is to one who may read it. */
export interface ChannelView {
  readonly channel: Channel;
  readonly role: Role;
  /** The caller's own last; null before the first, and for an observer. */
  readonly sequence: number | null;
  /** How many entries are kept. */
  readonly entries: number;
  /** Index of the last message; 0 before the first. */
  readonly lastIndex: number;
  readonly subscribers: number;
  /** Bytes of the largest payload it takes. */
  readonly payloadBytes: number;
  /** Set when nothing comes any more. */
  readonly end?: ChannelEnd;
}

const MAX_WAIT_MS = 30_000;
/** Bytes of a page, and of what is read of it in one turn of the event loop. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const PORTION_BYTES = 128 * 1024;
/** About what an entry takes besides its payload. */
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

  /** A router in memory whose senders have 500 messages and never get more: the same in every run. */
  static async forTesting(): Promise<Router> {
    const log = await openLog({ engine: 'memory' });
    return new Router({ log, rateLimit: { ...DEFAULT_RATE_LIMIT, perSecond: 0 } });
  }

  /** A router in memory that never says `rate_limited`. */
  static async withoutRateLimit(): Promise<Router> {
    return new Router({ log: await openLog({ engine: 'memory' }), rateLimit: false });
  }

  /** Names the log that everything is in: whoever keeps it beside a cursor can tell a lost log from an empty one. */
  get logId(): string {
    return this.#log.id;
  }

  /**
   * Makes the channels a process is submitted with, all or none.
   * @throws ChannelError `invalid_channel`, `channel_exists` also for a name given twice, `too_many_channels`
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

  /** As {@link create}; answers with the channel there is when it exists. */
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

  /** In the order they were made; none for a process that is not known. @throws ChannelError `channel_gone` */
  async getChannelsByProcess(processId: string): Promise<readonly Channel[]> {
    return await this.#use(processId, (process) => process.channels);
  }

  /** A channel as one who may read it sees it. @throws ChannelError `forbidden`, `stale_attempt`, as {@link get} */
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
   * @throws ChannelError whose code says why it was not stored; LogError `log_full`
   */
  async append(id: string, caller: Caller, message: NewMessage): Promise<Appended> {
    const [place] = await this.appendBatch(id, caller, [message]);
    // One answer a message, by contract of the queue.
    if (place === undefined) throw new Error('an append without an answer');
    return place;
  }

  /** As {@link append}, with the type beside the message. */
  async appendWithType(
    id: string,
    caller: Caller,
    message: NewMessage,
    type: MessageType,
  ): Promise<Appended> {
    return await this.append(id, caller, { ...message, type });
  }

  /**
   * Appends messages of increasing sequence, all or none; those that are stored already get their first answer. Calls for
   * one channel are stored in the order in which they were made.
   * @param pipeline for a caller that does not wait for the answer before it sends the next
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
   * Entries with index > `after`: at most `limit`, 0 for no limit but 4 MiB. None at or past the end.
   * @throws ChannelError `invalid_cursor`, `cursor_expired`, `log_lost`, `channel_gone`, `forbidden`, `stale_attempt`
   */
  async readAfter(id: string, caller: Caller, from: number, limit = 0, o: ReadOptions = {}): Promise<Page> {
    checkWhole('after', from);
    checkWhole('limit', limit);
    // Messages begin at 1: a lower cursor means the start.
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

  /** Reads in portions, so that a long answer of small messages gives up the event loop. */
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

  /** History, then live: to be iterated. Counts as a subscriber from now until it ends. */
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

  /** Ends a subscription quietly; safe to call twice. */
  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
  }

  /** How many subscribe to all channels together. */
  get subscribers(): number {
    return this.#subscribers;
  }

  async subscriberCount(id: string): Promise<number> {
    return await this.#useChannel(id, (live) => live.subscribers.size);
  }

  /**
   * Gives one channel to an executor, or to nobody with an empty id. Once it resolves, the executor before can neither
   * read nor write, and nothing of it comes any more.
   * @param attempt default one more than the last
   * @throws ChannelError `stale_attempt` when a later attempt is known
   */
  async setExecutorId(id: string, executorId: string, attempt?: number): Promise<void> {
    const { processId, name } = partsOf(id);
    await this.#use(processId, async (process) => {
      process.find(name);
      await process.assign(executorId, attempt, new Set([name]));
    });
  }

  /** As {@link setExecutorId} for all channels of a process at once. */
  async setExecutorIdForProcess(processId: string, executorId: string, attempt?: number): Promise<void> {
    await this.#use(processId, (process) => process.assign(executorId, attempt));
  }

  /** Closes the channels of a process: nothing more is appended, and subscribers end after the last entry. */
  async closeProcess(processId: string, reason: string): Promise<void> {
    await this.#use(processId, (process) => process.close(reason));
  }

  /** Removes the channels of a process and all in them; from then on they are `channel_gone`. Safe to call again. */
  async cleanupProcess(processId: string): Promise<void> {
    await this.#use(processId, (process) => process.cleanup());
  }

  /** How many entries a channel keeps. */
  async getLogSize(id: string): Promise<number> {
    return await this.#useChannel(id, async (live) => (await this.#log.stats(live.stream)).entries);
  }

  /** The last sequence of a sender, of the executor that of the newest attempt; -1 before the first. */
  async getSequence(id: string, role: Sender['role']): Promise<number> {
    return await this.#useChannel(id, (live) => lastSequence(live, role) ?? -1);
  }

  /** How many there are, in memory or not; reads each process once. */
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

  /** Of channels that have no limit of their own or of their process. */
  setMaxLogEntries(entries: number): void {
    this.#settings.limits = { ...this.#settings.limits, entries };
  }

  /** Of processes that have no limit of their own. */
  setMaxChannelsPerProcess(channelsPerProcess: number): void {
    this.#settings.limits = { ...this.#settings.limits, channelsPerProcess };
  }

  /** In entries. */
  setSubscriberBufferSize(subscriberEntries: number): void {
    this.#settings.limits = { ...this.#settings.limits, subscriberEntries };
  }

  /** Of processes that have no limit of their own. */
  setRateLimitEnabled(enabled: boolean): void {
    this.#settings.rateLimitEnabled = enabled;
  }

  /** Refuses appends, ends subscriptions with `draining`, answers long polls, and waits for what is being appended. */
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
    throw new ChannelError('log_lost', 'the log this channel was in has been lost');
  }
}

/** Null before the first message of a side; of the executor, that of the channel's attempt. */
function lastSequence({ senders, channel }: LiveChannel, role: Sender['role']): number | null {
  const place = role === 'submitter' ? senders.submitter : executorPlace(senders, channel.attempt);
  return place.sequence < 0 ? null : place.sequence;
}

/** The log has whole numbers for places: any other would look like a log that is damaged. */
function checkWhole(what: string, value: number): void {
  if (Number.isSafeInteger(value)) return;
  throw new ChannelError('invalid_cursor', `${what} is no whole number: ${value}`);
}
