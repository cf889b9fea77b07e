import type { Log } from '@weir/log';
import { batchOf } from './batch.js';
import type { DeadLetters } from './dead-letters.js';

/** Saves what a log in memory would lose when the process ends: one dead letter a project. */
export async function keepResidual(
  log: Log,
  stream: string,
  position: number,
  letters: DeadLetters,
): Promise<void> {
  const entries = await log.read(stream, { after: position, maxBytes: Number.MAX_SAFE_INTEGER });
  if (entries.length === 0) return;
  const { id: batchId, epoch, first: firstOffset, last: lastOffset, rows } = batchOf(entries, log.epoch);
  await letters.add(
    [...rows.byProject()].map(([projectId, own]) => ({
      projectId,
      epoch,
      firstOffset,
      lastOffset,
      part: 0,
      batchId,
      rows: own,
      error: 'not flushed before shutdown',
      reason: 'shutdown',
      quarantined: false,
    })),
  );
}
