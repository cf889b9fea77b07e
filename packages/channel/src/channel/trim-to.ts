import { Slice } from '@weir/base';
import type { Log } from '@weir/log';
import type { ChannelLimits } from './limits.js';

const PAGE_ENTRIES = 500;
const PAGE_BYTES = 256 * 1024;

/**
 * Evicts the oldest entries of a stream until it fits its limits together with the current append; keeps the last
 * entry.
 */
export async function trimTo(
  log: Log,
  stream: string,
  limits: ChannelLimits,
  coming: { readonly entries: number; readonly bytes: number } = { entries: 0, bytes: 0 },
): Promise<void> {
  const { first, last, entries, bytes } = await log.stats(stream);
  let before = first + Math.max(0, entries + coming.entries - limits.entries);
  let excess = bytes + coming.bytes - limits.bytes;
  const slice = new Slice();
  for (let after = first - 1; excess > 0 && after < last; ) {
    if (slice.isOver) await slice.next();
    const maxBytes = Math.min(excess, PAGE_BYTES);
    for (const { offset, data } of await log.read(stream, { after, limit: PAGE_ENTRIES, maxBytes })) {
      if (excess <= 0) break;
      excess -= data.byteLength;
      after = offset;
    }
    before = Math.max(before, after + 1);
  }
  before = Math.min(before, last);
  if (before > first) await log.trim(stream, before);
}
