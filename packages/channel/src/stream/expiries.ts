import { Slice } from '@weir/base';
import { recordStream, type StreamKey } from './stream-name.js';
import type { Expiry, StreamRecord } from './stream-record.js';

/** The expiry times of streams: the only data in memory of streams that are not in use. */
export class Expiries {
  readonly #deadlines = new Map<string, { readonly key: StreamKey; readonly at: number }>();

  /** Unix milliseconds; undefined if none is known. */
  get(key: StreamKey): number | undefined {
    return this.#deadlines.get(recordStream(key))?.at;
  }

  set(key: StreamKey, at: number | null): void {
    if (at === null) this.#deadlines.delete(recordStream(key));
    else this.#deadlines.set(recordStream(key), { key, at });
  }

  /** The expired streams. The search yields to the event loop, because most of many streams may not have expired. */
  async due(now: number): Promise<StreamKey[]> {
    const due: StreamKey[] = [];
    const slice = new Slice();
    for (const { key, at } of this.#deadlines.values()) {
      if (at <= now) due.push(key);
      if (slice.isOver) await slice.next();
    }
    return due;
  }
}

/** When a stream expires, unix milliseconds; null for never. */
export function deadlineOf(expiry: Expiry, touchedAt: number): number | null {
  if (expiry.kind === 'never') return null;
  return expiry.kind === 'at' ? expiry.at : touchedAt + expiry.seconds * 1000;
}

/** How long the last use may stay unrecorded: recording every read would cost a write for each. */
export function recordLagMs(expiry: Expiry): number {
  return expiry.kind === 'ttl' ? Math.max(1000, expiry.seconds * 125) : Number.POSITIVE_INFINITY;
}

/**
 * The latest time at which the stream may have been used, as far as the record shows: a crash never expires a stream
 * early.
 */
export function lastUse({ expiry, touchedAt }: StreamRecord, now: number): number {
  return expiry.kind === 'ttl' ? Math.min(now, touchedAt + recordLagMs(expiry)) : touchedAt;
}
