import type { Batch } from './batch.js';
import { projectLetters } from './batch-letters.js';
import type { DeadLetters } from './dead-letters.js';

/**
 * Saves the entries of a log in memory when the process ends: one dead letter for each project and batch. Batches that
 * were begun keep their ids, so that the drainer checks ClickHouse for them first.
 */
export async function keepResidual(batches: readonly Batch[], letters: DeadLetters): Promise<void> {
  for (const batch of batches) {
    await letters.add(projectLetters(batch, 'shutdown', 'not flushed before shutdown'));
  }
}
