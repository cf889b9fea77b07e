import type { Batch } from './batch.js';
import { projectLetters } from './batch-letters.js';
import type { DeadLetters } from './dead-letters.js';

/**
 * Saves what a log in memory would lose when the process ends: one dead letter a project and batch. Batches that were
 * begun keep their ids, so that the drainer asks ClickHouse about them first.
 */
export async function keepResidual(batches: readonly Batch[], letters: DeadLetters): Promise<void> {
  for (const batch of batches) {
    await letters.add(projectLetters(batch, 'shutdown', 'not flushed before shutdown'));
  }
}
