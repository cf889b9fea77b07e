import { Slice } from '@weir/base';
import type { Log } from '@weir/log';
import { deadlineOf, Expiries, lastUse } from './expiries.js';
import { type Created, type CreateOptions, Lifecycle } from './lifecycle.js';
import { DEFAULT_LIMITS, type StreamLimits } from './limits.js';
import type { Surroundings } from './live-stream.js';
import { OpenedStream } from './opened-stream.js';
import { type StreamCache, streamCache } from './stream-cache.js';
import { StreamCounts } from './stream-counts.js';
import { keyIn, keyOf, RECORD_PREFIX, type StreamKey } from './stream-name.js';
import { readRecord } from './stream-record.js';
import type { StreamSource } from './stream-source.js';

/** Options of a {@link StreamStore}. */
export interface StreamStoreOptions {
  /** The log. Other users may share it: names used here begin with `stream:` and `streams:`. */
  readonly log: Log;
  /** Default {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<StreamLimits>;
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number;
  /** How often to remove expired streams, which are already invisible; default 10,000 ms. */
  readonly sweepMs?: number;
  /** Called when a removal failed; it is retried. Default: ignored. */
  readonly onFailure?: (error: unknown) => void;
}

const SWEEP_MS = 10_000;
/** Number of streams removed at a time, so that they share commits. */
const SWEEP_BATCH = 50;

/** Durable Streams on a log. Projects are isolated: the same name in two projects is two streams. */
export class StreamStore {
  readonly #around: Surroundings;
  readonly #cache: StreamCache;
  readonly #lifecycle: Lifecycle;
  readonly #onFailure: (error: unknown) => void;
  readonly #sweeper: NodeJS.Timeout;
  readonly #scanning: Promise<void>;
  #sweeping: Promise<void> | null = null;
  #isClosed = false;

  private constructor(o: StreamStoreOptions, names: readonly string[]) {
    const { log, now = Date.now } = o;
    const limits = { ...DEFAULT_LIMITS, ...o.limits };
    this.#around = { log, limits, now, expiries: new Expiries(), counts: new StreamCounts() };
    this.#cache = streamCache(this.#around);
    this.#lifecycle = new Lifecycle(this.#around, this.#cache);
    const keys = names.map(keyIn);
    for (const key of keys) this.#around.counts.add(key, 1);
    this.#onFailure = o.onFailure ?? (() => {});
    this.#scanning = this.#scan(keys);
    this.#sweeper = setInterval(() => void this.sweep(), o.sweepMs ?? SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Opens the streams of the log; finishes interrupted removals in the background. */
  static async open(o: StreamStoreOptions): Promise<StreamStore> {
    return new StreamStore(o, await o.log.streams(RECORD_PREFIX));
  }

  /**
   * Opens a stream until it is released.
   * @throws StreamError `invalid_stream_name`, `stream_not_found`, `stream_deleted`
   */
  async open(project: string, name: string): Promise<StreamSource> {
    const held = await this.#cache.hold(keyOf(project, name));
    try {
      return new OpenedStream(held, this.#around);
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /**
   * Creates a stream, or finds an equal existing one. Resolves when durable.
   * @throws StreamError `stream_exists`, `stream_deleted`, `too_many_streams`, `invalid_message`, `invalid_fork`;
   *   `stream_not_found` for a source
   */
  create(project: string, name: string, options: CreateOptions): Promise<Created> {
    return this.#lifecycle.create(keyOf(project, name), options);
  }

  /**
   * Deletes a stream; content that its forks share is retained until they are removed.
   * @throws StreamError `stream_not_found`, `stream_deleted`
   */
  remove(project: string, name: string): Promise<void> {
    return this.#lifecycle.remove(keyOf(project, name));
  }

  /** Removes expired streams. */
  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    await this.#sweeping;
  }

  /** Finishes pending work. The log stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    await this.#scanning;
    await this.#sweeping;
    for (const live of await this.#cache.all()) await live.turns.idle();
  }

  async #sweep(): Promise<void> {
    // Until the initial scan ends, the expiry of some streams is unknown.
    await this.#scanning;
    const due = await this.#around.expiries.due(this.#around.now());
    for (let i = 0; i < due.length && !this.#isClosed; i += SWEEP_BATCH) {
      const batch = due.slice(i, i + SWEEP_BATCH);
      await Promise.all(batch.map((key) => this.#lifecycle.expire(key).catch(this.#onFailure)));
    }
  }

  async #scan(keys: readonly StreamKey[]): Promise<void> {
    const slice = new Slice();
    for (const key of keys) {
      if (this.#isClosed) return;
      if (slice.isOver) await slice.next();
      await this.#look(key).catch(this.#onFailure);
    }
  }

  async #look(key: StreamKey): Promise<void> {
    const { log, now, expiries } = this.#around;
    const record = await readRecord(log, key);
    if (record?.standing === 'removed') {
      // Opening the stream erases it, and holds its name so that it cannot be created again meanwhile.
      await this.#cache.use(key, async () => {});
    } else if (record?.standing === 'present' && expiries.get(key) === undefined) {
      expiries.set(key, deadlineOf(record.expiry, lastUse(record, now())));
    }
  }
}
