import type { Entry } from '@weir/log';
import { IngestEntry } from './entry.js';
import { RowSet } from './row-set.js';

/**
 * The offsets that a batch covers, recorded in the log before its insert, so that a restart rebuilds the same batch.
 */
export interface BatchBounds {
  readonly first: number;
  readonly last: number;
}

/** Entries of the ingest log that are flushed together. */
export interface Batch extends BatchBounds {
  /** Stable across restarts: epoch and bounds. */
  readonly id: string;
  readonly epoch: number;
  readonly rows: RowSet;
  /** Stored bytes, as counted when the entries were accepted. */
  readonly bytes: number;
}

/** A batch of consecutive entries; at least one is required. */
export function batchOf(entries: readonly Entry[], epoch: number): Batch {
  const first = entries[0]?.offset ?? 0;
  const last = entries.at(-1)?.offset ?? 0;
  return {
    id: `${epoch}-${first}-${last}`,
    epoch,
    first,
    last,
    rows: RowSet.of(entries.map(({ offset, data }) => new IngestEntry(data).placeAt(offset))),
    bytes: entries.reduce((sum, { data }) => sum + data.length, 0),
  };
}
