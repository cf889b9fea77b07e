import { setImmediate as turn } from 'node:timers/promises';
import type { Logger } from '@weir/base';
import type { Log } from '@weir/log';
import { eventsIn, timeOf, USAGE_STREAM } from '../records/entry.js';
import type { SinkReader } from './sink-reader.js';

/** How long records wait for a sink. */
export interface RetentionLimits {
  /** Milliseconds. */
  readonly ageMs: number;
  readonly bytes: number;
}

/** What {@link Retention} works with. */
export interface RetentionOptions {
  readonly log: Log;
  readonly readers: readonly SinkReader[];
  readonly limits: RetentionLimits;
  /** Nothing up to this offset is needed by a start. */
  readonly recoverable: () => number;
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const INTERVAL_MS = 1_000;
/** Entries freed at a time, and their bytes: the records of each have to be counted. */
const PAGE = 200;
const PAGE_BYTES = 128 * 1024;
const GRACE_MS = 10 * 60_000;
/** Of the log's size, whatever the retention: a sink that is down must not keep events from being accepted. */
const MOST = 0.4;

/** Frees the log of records every sink has kept, and of those that have waited too long for one. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #startedAt: number;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), INTERVAL_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** Frees what can be freed now. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#runOnce()
      .catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, 'usage records cannot be trimmed; trying again'),
      )
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #runOnce(): Promise<void> {
    const { log, readers, recoverable } = this.#options;
    await log.trim(USAGE_STREAM, Math.min(recoverable(), ...readers.map(({ kept }) => kept)) + 1);
    for (;;) {
      const page = await this.#overdue();
      const last = page.at(-1);
      if (last === undefined) return;
      await log.trim(USAGE_STREAM, last.offset + 1);
      for (const entry of page) {
        const records = eventsIn(entry, log.id).length;
        for (const reader of readers) reader.freed(entry.offset, records);
      }
      await turn();
    }
  }

  /** The oldest entries that are too old, or too many bytes. */
  async #overdue(): Promise<Awaited<ReturnType<Log['read']>>> {
    const { log, limits, now } = this.#options;
    const { first, bytes } = await log.stats(USAGE_STREAM);
    const { maxBytes } = await log.size();
    // After a long stop every sink gets its turn before age counts.
    const hasAge = now() - this.#startedAt > Math.min(limits.ageMs, GRACE_MS);
    const oldest = hasAge ? now() - limits.ageMs : Number.NEGATIVE_INFINITY;
    let excess = bytes - Math.min(limits.bytes, maxBytes * MOST);
    const page = await log.read(USAGE_STREAM, { after: first - 1, limit: PAGE, maxBytes: PAGE_BYTES });
    const end = page.findIndex(({ data }) => {
      const stays = excess <= 0 && timeOf(data) >= oldest;
      excess -= data.byteLength;
      return stays;
    });
    return end === -1 ? page : page.slice(0, end);
  }
}
