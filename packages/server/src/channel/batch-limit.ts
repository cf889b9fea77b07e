import { Problem } from '../http/problem.js';

/** Messages of a batch: all are checked in one turn of the event loop. */
export const MAX_BATCH = 10_000;

/** The refusal of a larger batch. */
export function batchTooLarge(): Problem {
  return new Problem('message_too_large', `a batch has at most ${MAX_BATCH} messages`, {
    limit: MAX_BATCH,
    hint: 'send them in several batches',
  });
}
