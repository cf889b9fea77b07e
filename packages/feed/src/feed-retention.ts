import { type Logger, Slice } from '@weir/base';
import type { Log } from '@weir/log';
import { fairLevel } from './fair-level.js';
import { FEED_STREAMS, ownerOf, receivedAtIn } from './feed-kind.js';

/** Retention limits of items; the first that is reached applies. */
export interface FeedLimits {
  /** Milliseconds since receipt. */
  readonly ageMs: number;
  /** Bytes of each project and kind. */
  readonly bytes: number;
}

/** Dependencies of a {@link FeedRetention}. */
export interface FeedRetentionOptions {
  readonly log: Log;
  readonly limits: FeedLimits;
  /**
   * Events received after this time are always retained, because they are not stored elsewhere yet. Epoch milliseconds.
   */
  readonly keepSince: () => Promise<number>;
  /** From this offset on, items of a stream are retained for groups that hold them, up to seven days longer. */
  readonly heldFrom: (stream: string) => Promise<number>;
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Additional retention of items that a group holds. */
const HOLD_MS = 7 * 24 * 3_600_000;
const INTERVAL_MS = 5_000;
/** Entries checked in one read, and their bytes. */
const PAGE = 500;
const PAGE_BYTES = 256 * 1024;
/** Maximum entries that one commit frees. */
const TRIM = 10_000;
/** Share of the log that stays free for all; below it, projects above their share are trimmed. */
const FREE = 0.25;
/** Maximum share of the log of one project while less than {@link FREE} is free. */
const SHARE = 0.25;
/** Free share below which the largest projects are trimmed, whatever their share: the log must accept new items. */
const CROWDED = 0.1;

/** Frees the feed's log of items whose retention has ended. */
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

  /** Frees what is possible now. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#runOnce()
      .catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, 'the feed cannot be trimmed; retrying'),
      )
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #runOnce(): Promise<void> {
    const { log, limits, heldFrom } = this.#options;
    const streams = await log.streams(FEED_STREAMS);
    const slice = new Slice();
    for (const stream of streams) {
      await this.#trim(stream, limits.bytes, () => heldFrom(stream));
      if (slice.isOver) await slice.next();
    }
    await this.#makeRoom(streams, slice);
  }

  /**
   * Trims the largest projects until the log has room again, and no others. See docs/decisions/0028-project-quotas.md.
   */
  async #makeRoom(streams: readonly string[], slice: Slice): Promise<void> {
    const { log } = this.#options;
    const { bytes, maxBytes } = await log.size();
    const excess = bytes - maxBytes * (1 - FREE);
    if (excess <= 0) return;
    const projects = new Map<string, { stream: string; bytes: number }[]>();
    for (const stream of streams) {
      const { projectId } = ownerOf(stream);
      const theirs = projects.get(projectId) ?? [];
      projects.set(projectId, theirs);
      theirs.push({ stream, bytes: (await log.stats(stream)).bytes });
      if (slice.isOver) await slice.next();
    }
    const sizes = [...projects.values()].map(sumOf);
    const level = fairLevel(sizes, sizes.reduce((sum, size) => sum + size, 0) - excess);
    const isCrowded = bytes > maxBytes * (1 - CROWDED);
    const most = isCrowded ? level : Math.max(level, maxBytes * SHARE);
    for (const theirs of projects.values()) {
      if (sumOf(theirs) <= most) continue;
      const each = fairLevel(
        theirs.map((one) => one.bytes),
        most,
      );
      for (const { stream } of theirs) {
        // Items that groups hold are evicted too.
        await this.#trim(stream, each, async () => Number.POSITIVE_INFINITY);
        if (slice.isOver) await slice.next();
      }
    }
  }

  /** Trims a stream to a size and an age, up to the offset that groups hold. */
  async #trim(stream: string, maxBytes: number, heldFrom: () => Promise<number>): Promise<void> {
    const { log } = this.#options;
    for (;;) {
      const { first, bytes } = await log.stats(stream);
      const [oldest] = await log.read(stream, { after: first - 1, limit: 1 });
      if (oldest === undefined || !this.#isDue(stream, oldest.data, bytes - maxBytes)) return;
      const end = await this.#dueEnd(stream, first, { excess: bytes - maxBytes, heldFrom: await heldFrom() });
      if (end > first) await log.trim(stream, end);
      if (end - first < TRIM) return;
    }
  }

  #isDue(stream: string, item: Uint8Array, excess: number): boolean {
    const { limits, now } = this.#options;
    return excess > 0 || receivedAtIn(stream, item) < now() - limits.ageMs;
  }

  /** The offset of the first item from `first` on that is retained, or one that far beyond. */
  async #dueEnd(stream: string, first: number, due: Due): Promise<number> {
    const { log, limits, keepSince, now } = this.#options;
    const slice = new Slice();
    let { excess } = due;
    for (let place = first; ; ) {
      if (slice.isOver) await slice.next();
      // Read again for each page, because it moves while others have their turn.
      const kept = ownerOf(stream).kind === 'events' ? await keepSince() : Number.POSITIVE_INFINITY;
      const page = await log.read(stream, { after: place - 1, limit: PAGE, maxBytes: PAGE_BYTES });
      for (const { offset, data } of page) {
        const received = receivedAtIn(stream, data);
        const isHeld = offset >= due.heldFrom && received >= now() - limits.ageMs - HOLD_MS;
        if (isHeld || received >= kept || !this.#isDue(stream, data, excess)) return offset;
        excess -= data.byteLength;
        place = offset + 1;
      }
      if (page.length === 0 || place - first >= TRIM) return place;
    }
  }
}

/** The part of a stream to evict. */
interface Due {
  /** Bytes above the limit. */
  readonly excess: number;
  /** The offset from which groups hold items. */
  readonly heldFrom: number;
}

function sumOf(streams: readonly { readonly bytes: number }[]): number {
  return streams.reduce((sum, { bytes }) => sum + bytes, 0);
}
