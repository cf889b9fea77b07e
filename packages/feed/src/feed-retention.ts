import type { Log } from '@weir/log';
import { FEED_STREAMS, ownerOf, receivedAtIn } from './feed-kind.js';
import type { FeedLogger } from './logger.js';

/** How long items are kept, whichever comes first. */
export interface FeedLimits {
  /** Milliseconds since they were received. */
  readonly ageMs: number;
  /** Bytes of each project and kind. */
  readonly bytes: number;
}

/** What {@link FeedRetention} works with. */
export interface FeedRetentionOptions {
  readonly log: Log;
  readonly limits: FeedLimits;
  /** Events received since then are kept in any case: they are not stored elsewhere yet. Epoch milliseconds. */
  readonly keepSince: () => Promise<number>;
  /** From this offset on, items of a stream are kept for groups that hold them, up to seven days longer. */
  readonly heldFrom: (stream: string) => Promise<number>;
  readonly logger: FeedLogger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How much longer than others items are kept that a group holds. */
const HOLD_MS = 7 * 24 * 3_600_000;
const INTERVAL_MS = 5_000;
const PAGE = 500;
/** Of the log's size: beyond it the largest streams give way, so that the log takes new items. */
const CROWDED = 0.9;

/** Frees the feed's log of items that have been kept long enough. */
export class FeedRetention {
  readonly #options: FeedRetentionOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: FeedRetentionOptions) {
    this.#options = options;
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
        this.#options.logger.warn({ err: error }, 'the feed cannot be trimmed; trying again'),
      )
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #runOnce(): Promise<void> {
    const { log, limits, heldFrom } = this.#options;
    const streams = await log.streams(FEED_STREAMS);
    for (const stream of streams) await this.#trim(stream, limits.bytes, await heldFrom(stream));
    const { bytes, maxBytes } = await log.size();
    if (bytes < maxBytes * CROWDED || streams.length === 0) return;
    const fair = (maxBytes * CROWDED) / streams.length / 2;
    for (const stream of streams) await this.#trim(stream, fair, Number.POSITIVE_INFINITY);
  }

  /** Trims a stream to so many bytes, and of what is too old, up to what is held. */
  async #trim(stream: string, maxBytes: number, heldFrom: number): Promise<void> {
    const { log, limits, keepSince, now } = this.#options;
    const oldest = now() - limits.ageMs;
    const kept = ownerOf(stream).kind === 'events' ? await keepSince() : Number.POSITIVE_INFINITY;
    for (;;) {
      const { first, bytes } = await log.stats(stream);
      let excess = bytes - maxBytes;
      const page = await log.read(stream, { after: first - 1, limit: PAGE });
      const end = page.findIndex(({ offset, data }) => {
        const received = receivedAtIn(stream, data);
        const isHeld = offset >= heldFrom && received >= oldest - HOLD_MS;
        const goes = !isHeld && received < kept && (excess > 0 || received < oldest);
        excess -= data.byteLength;
        return !goes;
      });
      const count = end === -1 ? page.length : end;
      if (count > 0) await log.trim(stream, first + count);
      if (count < PAGE) return;
    }
  }
}
