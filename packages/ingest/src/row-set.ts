/** A selection of rows from entries: the content of one INSERT, its remainder, or a dead letter. */
import { ID_BYTES } from './dedup/event-key.js';
import { encodeEntry, IngestEntry } from './entry.js';
import { partitionOf } from './partition.js';
import { readRow, rowIndex, rowOffset, rowTimestamp, type StoredEvent, uuidBytes } from './rows.js';

interface Piece {
  readonly entry: IngestEntry;
  /** Selected rows in order; null for all. */
  readonly indexes: readonly number[] | null;
}

/** A row's place in the log: its identity in ClickHouse. */
export interface RowLocation {
  readonly offset: number;
  readonly index: number;
}

/** Consecutive log offsets, both ends included. */
export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** Offsets closer than this are queried together: reading the rows between costs less than another condition. */
const NEAR = 100;

/** Rows selected from entries whose places are filled in. Immutable. */
export class RowSet {
  readonly #pieces: readonly Piece[];
  /** Number of rows. */
  readonly count: number;

  private constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.count = pieces.reduce((sum, piece) => sum + (piece.indexes?.length ?? piece.entry.count), 0);
  }

  /** All rows of some entries. */
  static of(entries: readonly IngestEntry[]): RowSet {
    return new RowSet(entries.map((entry) => ({ entry, indexes: null })));
  }

  /** The rows of a dead letter, see {@link toPayload}. */
  static fromPayload(payload: Uint8Array): RowSet {
    return RowSet.of([new IngestEntry(payload)]);
  }

  /** The rows of several sets. */
  static join(sets: readonly RowSet[]): RowSet {
    return new RowSet(sets.flatMap((set) => set.#pieces));
  }

  /** Bytes of the rows, in pieces to send one after another. */
  get bytes(): Buffer[] {
    const out: Buffer[] = [];
    for (const { entry, indexes } of this.#pieces) {
      if (indexes === null) out.push(entry.rows);
      else
        for (const index of indexes)
          out.push(entry.rows.subarray(entry.rowStart(index), entry.rowEnd(index)));
    }
    return out;
  }

  /** The rows in sets for one INSERT each: at most `partitions` partitions of the table and `bytes` bytes. */
  within(partitions: number, bytes: number): RowSet[] {
    if (this.#isWithin(partitions, bytes)) return [this];
    const sets: RowSet[] = [];
    // Rows of one partition stay together; the order of partitions does not matter.
    let current: Row[] = [];
    let currentPartitions = new Set<number>();
    let currentBytes = 0;
    const close = (): void => {
      if (current.length > 0) sets.push(RowSet.#fromRows(current));
      current = [];
      currentPartitions = new Set();
      currentBytes = 0;
    };
    for (const [partition, rows] of groupBy(this.#rows(), partitionOfRow)) {
      if (currentPartitions.size >= partitions) close();
      for (const row of rows) {
        const size = row.entry.rowEnd(row.index) - row.entry.rowStart(row.index);
        if (currentBytes + size > bytes) close();
        currentPartitions.add(partition);
        currentBytes += size;
        current.push(row);
      }
    }
    close();
    return sets;
  }

  /** The rows of each project, by its id. */
  byProject(): Map<string, RowSet> {
    const pieces = groupBy(this.#pieces, (piece) => piece.entry.projectId);
    return new Map([...pieces].map(([project, own]) => [project, new RowSet(own)]));
  }

  /** The rows whose places are not among `held`. */
  without(held: readonly RowLocation[]): RowSet {
    if (held.length === 0) return this;
    const places = new Set(held.map(({ offset, index }) => `${offset}/${index}`));
    return RowSet.#fromRows(
      [...this.#rows()].filter(({ entry, index }) => {
        const start = entry.rowStart(index);
        return !places.has(`${rowOffset(entry.rows, start)}/${rowIndex(entry.rows, start)}`);
      }),
    );
  }

  /** Two halves of a set of at least two rows. */
  halves(): [RowSet, RowSet] {
    const rows = [...this.#rows()];
    const middle = rows.length >>> 1;
    return [RowSet.#fromRows(rows.slice(0, middle)), RowSet.#fromRows(rows.slice(middle))];
  }

  /** The log offsets of the rows as ranges (both ends included) with large distances. */
  ranges(): OffsetRange[] {
    const offsets = [...new Set([...this.locations()].map(({ offset }) => offset))].sort((a, b) => a - b);
    const ranges: { first: number; last: number }[] = [];
    for (const offset of offsets) {
      const range = ranges.at(-1);
      if (range !== undefined && offset - range.last <= NEAR) range.last = offset;
      else ranges.push({ first: offset, last: offset });
    }
    return ranges;
  }

  /** The rows' places. */
  *locations(): Generator<RowLocation> {
    for (const { entry, index } of this.#rows()) {
      const start = entry.rowStart(index);
      yield { offset: rowOffset(entry.rows, start), index: rowIndex(entry.rows, start) };
    }
  }

  /** The rows as events. */
  *events(): Generator<StoredEvent> {
    for (const { entry, index } of this.#rows()) yield readRow(entry.rows, entry.rowStart(index));
  }

  /** The rows, all of one project, as the payload of a dead letter: one entry that preserves their places. */
  toPayload(): Buffer {
    const first = this.#pieces[0]?.entry;
    const ends: number[] = [];
    let end = 0;
    for (const { entry, index } of this.#rows()) {
      end += entry.rowEnd(index) - entry.rowStart(index);
      ends.push(end);
    }
    return encodeEntry({
      project: uuidBytes(first?.projectId ?? ''),
      receivedAt: first?.receivedAt ?? 0,
      ends,
      ids: new Uint8Array(ends.length * ID_BYTES),
      rows: Buffer.concat(this.bytes),
    });
  }

  #isWithin(partitions: number, bytes: number): boolean {
    let size = 0;
    let earliest = Number.POSITIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (const { entry, indexes } of this.#pieces) {
      if (indexes === null) size += entry.rows.length;
      else for (const index of indexes) size += entry.rowEnd(index) - entry.rowStart(index);
      earliest = Math.min(earliest, entry.earliest);
      latest = Math.max(latest, entry.latest);
    }
    if (size > bytes) return false;
    // Nearly every batch spans a few months at most, which the headers of its entries show without reading rows.
    const MONTH = 28 * 24 * 3600 * 1000;
    if ((latest - earliest) / MONTH < partitions - 2) return true;
    const seen = new Set<number>();
    for (const row of this.#rows()) seen.add(partitionOfRow(row));
    return seen.size <= partitions;
  }

  *#rows(): Generator<Row> {
    for (const { entry, indexes } of this.#pieces) {
      const count = indexes?.length ?? entry.count;
      for (let i = 0; i < count; i += 1) yield { entry, index: indexes === null ? i : (indexes[i] ?? 0) };
    }
  }

  static #fromRows(rows: readonly Row[]): RowSet {
    const byEntry = groupBy(rows, (row) => row.entry);
    return new RowSet([...byEntry].map(([entry, own]) => ({ entry, indexes: own.map((row) => row.index) })));
  }
}

interface Row {
  readonly entry: IngestEntry;
  readonly index: number;
}

function partitionOfRow({ entry, index }: Row): number {
  return partitionOf(rowTimestamp(entry.rows, entry.rowStart(index)));
}

function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
