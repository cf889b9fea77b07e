import { Slice } from '@weir/base';
import { recordStream, type StreamKey } from './stream-name.js';
import type { Expiry, StreamRecord } from './stream-record.js';

/** When streams end that do so by themselves: what is in memory of those that nobody uses. */
export class Expiries {
  readonly #deadlines = new Map<string, { readonly key: StreamKey; readonly at: number }>();

  /** Unix milliseconds; undefined where none is known. */
  get(key: StreamKey): number | undefined {
    return this.#deadlines.get(recordStream(key))?.at;
  }

  set(key: StreamKey, at: number | null): void {
    if (at === null) this.#deadlines.delete(recordStream(key));
    else this.#deadlines.set(recordStream(key), { key, at });
  }

  /** The streams whose time is over. They are found in slices: there can be many that last on. */
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

/** When a stream ends, unix milliseconds; null where it does not. */
export function deadlineOf(expiry: Expiry, touchedAt: number): number | null {
  if (expiry.kind === 'never') return null;
  return expiry.kind === 'at' ? expiry.at : touchedAt + expiry.seconds * 1000;
}

/** How long a read may go unrecorded: a record for each would be a write for each. */
export function recordLagMs(expiry: Expiry): number {
  return expiry.kind === 'ttl' ? Math.max(1000, expiry.seconds * 125) : Number.POSITIVE_INFINITY;
}

/** When a stream was last used at the latest, as far as its record tells: no stream ends early for a crash. */
export function lastUse({ expiry, touchedAt }: StreamRecord, now: number): number {
  return expiry.kind === 'ttl' ? Math.min(now, touchedAt + recordLagMs(expiry)) : touchedAt;
}
