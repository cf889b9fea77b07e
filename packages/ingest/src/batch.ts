import type { Entry } from '@weir/log';
import { IngestEntry } from './entry.js';
import { RowSet } from './row-set.js';

/** The offsets a batch covers, as recorded in the log before its insert: the same batch after a crash. */
export interface BatchBounds {
  readonly first: number;
  readonly last: number;
}

/** Entries of the ingest log that are flushed together. */
export interface Batch extends BatchBounds {
  /** Stable over restarts: epoch and bounds. */
  readonly id: string;
  readonly epoch: number;
  readonly rows: RowSet;
  /** Stored bytes, as counted when the entries were accepted. */
  readonly bytes: number;
}

/** A batch of consecutive entries; there must be at least one. */
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
