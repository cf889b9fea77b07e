import { Problem } from '../http/problem.js';

/** Messages of a batch: each is looked at before anything else can go on. */
export const MAX_BATCH = 10_000;

/** The refusal of a batch of more. */
export function batchTooLarge(): Problem {
  return new Problem('message_too_large', `a batch has at most ${MAX_BATCH} messages`, {
    limit: MAX_BATCH,
    hint: 'send them in several batches',
  });
}
