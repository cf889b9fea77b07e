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

/** Dependencies of {@link Retention}. */
export interface RetentionOptions {
  readonly log: Log;
  readonly readers: readonly SinkReader[];
  readonly limits: RetentionLimits;
  /** A start needs no entry up to this offset. */
  readonly recoverable: () => number;
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const INTERVAL_MS = 1_000;
/** Entries freed at a time, limited because the records of each must be counted. */
const PAGE = 200;
const PAGE_BYTES = 128 * 1024;
const GRACE_MS = 10 * 60_000;
/** Maximum part of the log, whatever the retention: a sink that is down must not prevent ingest. */
const MOST = 0.4;

/** Frees entries that every sink has stored, and those that have waited too long. */
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

  /** Frees what is possible now. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#runOnce()
      .catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, 'usage records cannot be trimmed; retrying'),
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

  /** The oldest entries beyond the limits of age or bytes. */
  async #overdue(): Promise<Awaited<ReturnType<Log['read']>>> {
    const { log, limits, now } = this.#options;
    const { first, bytes } = await log.stats(USAGE_STREAM);
    const { maxBytes } = await log.size();
    // After a long stop every sink gets time before age counts.
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
