import type { Sender } from './caller.js';
import { decodeSenders, isMessage } from './message-codec.js';
import { hasReached } from './senders.js';

/** A range of entries. */
export interface Entries {
  readonly first: number;
  readonly last: number;
  at(index: number): Promise<Uint8Array>;
}

/**
 * Finds the index of a sender's message by its sequence; undefined if there is none. Reads O(log n) entries, from the
 * end outwards, because most retries repeat recent messages.
 * @param near the index to probe first
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
  // Invariant: the sender has reached the sequence at `high` and later, and not at `low` and earlier.
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
