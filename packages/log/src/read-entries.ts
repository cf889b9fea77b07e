import { BlockReader } from './block.js';
import { blockKey, offsetInBlockKey } from './keys.js';
import type { Entry, ReadOptions } from './log.js';
import { LogError } from './log-error.js';
import type { Store } from './store.js';
import type { StreamRecord } from './stream-record.js';

const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The entries of a stream after a position, up to its last durable one.
 * @throws LogError `cursor_expired` if some of them were trimmed
 */
export function readEntries(store: Store, stream: StreamRecord, o: ReadOptions): Entry[] {
  if (o.after < stream.first - 1) throw expired(o.after, stream.first);
  const limit = o.limit ?? Infinity;
  const maxBytes = o.maxBytes ?? MAX_BYTES;
  const entries: Entry[] = [];
  if (o.after >= stream.last || limit <= 0) return entries;
  let bytes = 0;
  let offset = o.after + 1;
  let block = blockWith(store, stream.id, offset);
  for (;;) {
    const last = Math.min(block.last, stream.last);
    for (; offset <= last; offset++) {
      const data = block.entry(offset);
      bytes += data.byteLength;
      if (entries.length > 0 && bytes > maxBytes) return entries;
      entries.push({ offset, data });
      if (entries.length >= limit) return entries;
    }
    if (offset > stream.last || bytes >= maxBytes) return entries;
    // Offsets are dense, so the key of the next block is known.
    const next = store.get(blockKey(stream.id, offset));
    if (next === undefined) throw hole(offset);
    block = new BlockReader(offset, next);
  }
}

/** The block that contains this offset, which the stream must still retain. */
export function blockWith(store: Store, id: number, offset: number): BlockReader {
  const found = store.floor(blockKey(id, offset), blockKey(id, 0));
  if (found === undefined) throw hole(offset);
  const block = new BlockReader(offsetInBlockKey(found.key), found.value);
  if (offset > block.last) throw hole(offset);
  return block;
}

/** The error for trimmed entries, with the oldest retained offset. */
export function expired(after: number, oldest: number): LogError {
  return new LogError(
    'cursor_expired',
    `entries ${after + 1} to ${oldest - 1} have been trimmed; the oldest kept is ${oldest}`,
    { oldest, missed: oldest - 1 - after },
  );
}

function hole(offset: number): LogError {
  return new LogError('store_unavailable', `entry ${offset} is missing: the log is damaged`);
}
