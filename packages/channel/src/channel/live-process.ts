import type { Log } from '@weir/log';
import type { Sender } from './caller.js';
import type { Channel } from './channel.js';
import { ChannelError } from './channel-error.js';
import type { ProcessLimits, Settings } from './limits.js';
import { gone, LiveChannel, type ProcessGate, streamOf } from './live-channel.js';
import { type ProcessRecord, readRecord, removeRecord, writeRecord } from './process-record.js';
import { RateLimiter } from './rate-limiter.js';

/** Options of {@link LiveProcess.create}. */
export interface CreateOptions {
  readonly ifAbsent: boolean;
  readonly limits: Partial<ProcessLimits> | undefined;
  readonly owner: string | undefined;
}

const NO_LIMITS: Partial<ProcessLimits> = {};

/** A process in memory. Its changes run one after another; appends to its channels do not wait for them. */
export class LiveProcess implements ProcessGate {
  readonly id: string;
  closing = false;
  gone: boolean;
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #channels = new Map<string, Promise<LiveChannel>>();
  readonly #buckets = new Map<string, RateLimiter>();
  #record: ProcessRecord | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(
    log: Log,
    id: string,
    settings: Settings,
    record: ProcessRecord | undefined,
    gone: boolean,
  ) {
    this.#log = log;
    this.id = id;
    this.#settings = settings;
    this.#record = record;
    this.gone = gone;
  }

  static async open(log: Log, id: string, settings: Settings): Promise<LiveProcess> {
    const standing = await readRecord(log, id);
    if (standing === 'unknown') return new LiveProcess(log, id, settings, undefined, false);
    if (standing === 'gone') return new LiveProcess(log, id, settings, undefined, true);
    return new LiveProcess(log, id, settings, standing, standing.gone === true);
  }

  /** The channels in order of creation. */
  get channels(): readonly Channel[] {
    if (this.gone) throw gone(this.id);
    return this.#record?.channels ?? [];
  }

  /** The limits of the process; they override the router's. */
  get limits(): Partial<ProcessLimits> {
    return this.#record?.limits ?? NO_LIMITS;
  }

  get owner(): string | undefined {
    return this.#record?.owner;
  }

  /** Whether the process has a record. */
  get exists(): boolean {
    return this.#record !== undefined || this.gone;
  }

  find(name: string): Channel {
    const channel = this.channels.find((channel) => channel.name === name);
    if (channel !== undefined) return channel;
    throw new ChannelError('channel_not_found', `process ${this.id} has no channel ${JSON.stringify(name)}`);
  }

  async channel(name: string): Promise<LiveChannel> {
    const channel = this.find(name);
    let opening = this.#channels.get(name);
    if (opening === undefined) {
      opening = LiveChannel.open(this.#log, channel, this, this.#settings);
      this.#channels.set(name, opening);
      opening.catch(() => this.#channels.delete(name));
    }
    const live = await opening;
    if (this.gone) throw gone(this.id);
    return live;
  }

  /** The channels that are in memory. */
  async live(): Promise<LiveChannel[]> {
    const opened = await Promise.allSettled(this.#channels.values());
    return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  /**
   * Adds channels, all or none. `ifAbsent` keeps existing channels unchanged.
   * @param o.limits and `o.owner` of the process, used if these are its first channels
   * @throws ChannelError `channel_exists`, `too_many_channels`, `channel_closed`, `channel_gone`
   */
  create(wanted: readonly Channel[], o: CreateOptions): Promise<void> {
    return this.#change(async () => {
      const names = new Set(this.channels.map(({ name }) => name));
      const added: Channel[] = [];
      for (const channel of wanted) {
        if (names.has(channel.name)) {
          if (o.ifAbsent) continue;
          throw new ChannelError('channel_exists', `channel ${channel.id} exists`);
        }
        names.add(channel.name);
        added.push(channel);
      }
      if (added.length === 0) return;
      if (this.#record?.closed !== undefined) {
        throw new ChannelError('channel_closed', `process ${this.id} has closed`, {
          hint: 'make the channels of a process before it closes',
        });
      }
      const { limits, owner } = this.#record ?? o;
      const limit = limits?.channelsPerProcess ?? this.#settings.limits.channelsPerProcess;
      if (names.size > limit) {
        throw new ChannelError('too_many_channels', `a process has at most ${limit} channels`, { limit });
      }
      await this.#write({
        ...this.#record,
        ...(limits && { limits }),
        ...(owner !== undefined && { owner }),
        channels: [...this.channels, ...added],
      });
    });
  }

  /**
   * Assigns channels to an executor; an empty id removes the executor. After it resolves, the previous executor cannot
   * append.
   * @param names default all channels
   * @param attempt default the next one
   * @throws ChannelError `stale_attempt` if a later attempt is recorded, or this one belongs to another executor
   */
  assign(executorId: string, attempt: number | undefined, names?: ReadonlySet<string>): Promise<void> {
    return this.#change(async () => {
      const isMeant = ({ name }: Channel) => names?.has(name) ?? true;
      const latest = Math.max(0, ...this.channels.filter(isMeant).map((channel) => channel.attempt));
      const next = attempt ?? (executorId === '' ? latest : latest + 1);
      const channels = this.channels.map((channel) => {
        if (!isMeant(channel)) return channel;
        checkAttempt(channel, executorId, next);
        return { ...channel, executorId, attempt: next };
      });
      const isSame = channels.every((channel, i) => {
        const before = this.channels[i];
        return before?.executorId === channel.executorId && before.attempt === channel.attempt;
      });
      if (isSame) return;
      await this.#write({ ...this.#record, channels });
      for (const sender of this.#buckets.keys()) if (sender !== 'submitter') this.#buckets.delete(sender);
      for (const live of await this.live()) await live.turns.idle();
    });
  }

  /** Closes all channels: appends are rejected, and subscribers end after the last message. */
  close(reason: string): Promise<void> {
    return this.#change(async () => {
      if (this.#record === undefined || this.gone || this.#record.closed !== undefined) return;
      this.closing = true;
      try {
        for (const live of await this.live()) await live.turns.idle();
        const closed = { reason, at: this.#settings.now() };
        const channels = this.channels.map((channel) => ({ ...channel, closed }));
        await this.#write({ ...this.#record, channels, closed });
      } finally {
        this.closing = false;
      }
    });
  }

  /** Removes all data of the process; resumes a cleanup that a crash interrupted. */
  cleanup(): Promise<void> {
    return this.#change(async () => {
      if (this.#record === undefined) return;
      const { channels } = this.#record;
      if (this.#record.gone === undefined)
        await writeRecord(this.#log, this.id, { ...this.#record, gone: true });
      this.gone = true;
      for (const live of await this.live()) {
        live.lookAgain();
        await live.turns.idle();
      }
      for (const { id } of channels) await this.#log.remove(streamOf(id));
      await removeRecord(this.#log, this.id);
      this.#record = undefined;
      this.#channels.clear();
    });
  }

  /** The rate limiter of one sender, shared by all channels of the process. */
  bucketOf({ role, attempt }: Sender): RateLimiter | undefined {
    const { rateLimitEnabled, rateLimit: routers, now } = this.#settings;
    const { rateLimit = rateLimitEnabled && routers } = this.limits;
    if (rateLimit === false) return undefined;
    const key = role === 'submitter' ? role : `executor#${attempt}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new RateLimiter(rateLimit.burst, rateLimit.perSecond, now);
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  #change(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  async #write(record: ProcessRecord): Promise<void> {
    await writeRecord(this.#log, this.id, record);
    this.#record = record;
    for (const live of await this.live()) {
      const channel = record.channels.find(({ id }) => streamOf(id) === live.stream);
      if (channel !== undefined) live.update(channel);
    }
  }
}

function checkAttempt(channel: Channel, executorId: string, attempt: number): void {
  const isFree = channel.executorId === '' || executorId === '' || channel.executorId === executorId;
  if (attempt > channel.attempt || (attempt === channel.attempt && isFree)) return;
  throw new ChannelError('stale_attempt', `channel ${channel.id} is at attempt ${channel.attempt} already`);
}
