import type { Sender } from './caller.js';
import { decodeSenders, isMessage } from './message-codec.js';
import { hasReached } from './senders.js';

/** A stretch of entries. */
export interface Entries {
  readonly first: number;
  readonly last: number;
  at(index: number): Promise<Uint8Array>;
}

/**
 * The index of a sender's message by its sequence, or undefined when there is none. Looks at O(log n) entries, from the
 * end outwards: what is sent again was mostly sent lately.
 * @param near the first place to look
 */
export async function findSequence(
  entries: Entries,
  sender: Sender,
  sequence: number,
  near: number | undefined,
): Promise<number | undefined> {
  const isAt = async (index: number) =>
    index >= entries.first && index <= entries.last && isMessage(await entries.at(index), sender, sequence);
  if (near !== undefined && (await isAt(near))) return near;

  const reachedAt = async (index: number) =>
    hasReached(decodeSenders(await entries.at(index)), sender, sequence);
  // At `high` and beyond the sender has come so far; at `low` and before it has not.
  let high = entries.last + 1;
  let low = entries.last;
  for (let step = 1; low >= entries.first && (await reachedAt(low)); step *= 2) {
    high = low;
    low -= step;
  }
  low = Math.max(low, entries.first - 1);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await reachedAt(middle)) high = middle;
    else low = middle;
  }
  return (await isAt(high)) ? high : undefined;
}
