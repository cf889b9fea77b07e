import { EVENT_HEAD } from '../protocol/encode.js';

const HEAD = Buffer.from(EVENT_HEAD);

/** Target size of one write of events. */
export const BATCH_BYTES = 65_536;

/** Joins event lines into one buffer and numbers them from `seq`. `rests` are the lines after `seq`. */
export function eventBatch(rests: readonly Buffer[], seq: number): Buffer {
  let length = 0;
  for (const rest of rests) length += HEAD.length + LONGEST_SEQ + rest.length;
  const batch = Buffer.allocUnsafe(length);
  let at = 0;
  for (const rest of rests) {
    at += HEAD.copy(batch, at);
    at += batch.write(String(seq), at, 'latin1');
    at += rest.copy(batch, at);
    seq += 1;
  }
  return batch.subarray(0, at);
}

const LONGEST_SEQ = String(Number.MAX_SAFE_INTEGER).length;
