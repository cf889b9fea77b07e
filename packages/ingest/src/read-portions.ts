import { Slice } from '@weir/base';
import type { Entry, Log } from '@weir/log';

/** Bytes that one read copies. */
const PORTION_BYTES = 1024 * 1024;

/** The range that {@link readPortions} reads. */
export interface Stretch {
  readonly after: number;
  /** The last wanted offset; default no end. */
  readonly last?: number;
  /** Maximum bytes, but at least one entry. */
  readonly maxBytes: number;
}

/** Reads like `Log.read`, but yields to the event loop between portions: a batch for one insert can have 16 MiB. */
export async function readPortions(
  log: Log,
  stream: string,
  { after, last = Number.POSITIVE_INFINITY, maxBytes }: Stretch,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const slice = new Slice();
  let left = maxBytes;
  for (let place = after; place < last && left > 0; ) {
    const portion = await log.read(stream, {
      after: place,
      limit: last - place,
      maxBytes: Math.min(left, PORTION_BYTES),
    });
    if (portion.length === 0) break;
    for (const entry of portion) {
      if (entries.length > 0 && entry.data.byteLength > left) return entries;
      entries.push(entry);
      left -= entry.data.byteLength;
      place = entry.offset;
    }
    if (slice.isOver) await slice.next();
  }
  return entries;
}
