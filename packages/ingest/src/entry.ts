/**
 * The format of the ingest log: entries of up to about {@link ENTRY_BYTES}, each with events of one request.
 *
 *     0 format (1) · 1-3 zero · 4 count UInt32 · 8 project_id 16 bytes · 24 received_at ms · 32 earliest timestamp ms
 *     40 latest timestamp ms · 48 end of each row UInt32 × count · id of each event 16 bytes × count · rows
 *
 * A row's end is relative to the first row. An event's id is the key by which retries are recognised, all zeros if the
 * client sent none. Numbers are little endian; times are doubles.
 *
 * Dead letters have the same format, with the log offset of each row filled in.
 */
import { ID_BYTES } from './dedup/event-key.js';
import { rowTimestamp, setRowOffset, uuidText } from './rows.js';

const FORMAT = 1;
const HEADER_BYTES = 48;

/** Rows are divided into entries of about this size, which message brokers accept as one message. */
export const ENTRY_BYTES = 512 * 1024;

/** The parts of an entry to encode. */
export interface EntryParts {
  /** The bytes of the project id, see `uuidBytes`. */
  readonly project: Uint8Array;
  readonly receivedAt: number;
  /** End of each row in `rows`. */
  readonly ends: readonly number[];
  /** Key of each event, {@link ID_BYTES} each. */
  readonly ids: Uint8Array;
  readonly rows: Buffer;
}

/** Encodes an entry. */
export function encodeEntry(parts: EntryParts): Buffer {
  const count = parts.ends.length;
  const rowsAt = HEADER_BYTES + count * (4 + ID_BYTES);
  const entry = Buffer.allocUnsafe(rowsAt + parts.rows.length);
  entry.writeUInt32LE(FORMAT, 0);
  entry.writeUInt32LE(count, 4);
  entry.set(parts.project, 8);
  entry.writeDoubleLE(parts.receivedAt, 24);
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  let start = 0;
  for (let i = 0; i < count; i += 1) {
    const timestamp = rowTimestamp(parts.rows, start);
    if (timestamp < earliest) earliest = timestamp;
    if (timestamp > latest) latest = timestamp;
    start = parts.ends[i] ?? 0;
    entry.writeUInt32LE(start, HEADER_BYTES + i * 4);
  }
  entry.writeDoubleLE(earliest, 32);
  entry.writeDoubleLE(latest, 40);
  entry.set(parts.ids, HEADER_BYTES + count * 4);
  entry.set(parts.rows, rowsAt);
  return entry;
}

/** A view of an entry's bytes. */
export class IngestEntry {
  readonly #bytes: Buffer;
  /** Number of events. */
  readonly count: number;
  /** Offset of its rows in the buffer of {@link rows}. */
  readonly #rowsAt: number;

  /** @throws Error if the bytes are not an entry of a known format */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#bytes.length < HEADER_BYTES || this.#bytes.readUInt32LE(0) !== FORMAT) {
      throw new Error(
        'ingest log entry of an unknown format: it was written by a newer version, or is damaged',
      );
    }
    this.count = this.#bytes.readUInt32LE(4);
    this.#rowsAt = HEADER_BYTES + this.count * (4 + ID_BYTES);
  }

  /** The project's id. */
  get projectId(): string {
    return uuidText(this.#bytes.subarray(8, 24));
  }

  /** Arrival, epoch milliseconds. */
  get receivedAt(): number {
    return this.#bytes.readDoubleLE(24);
  }

  /** Earliest timestamp of its events, epoch milliseconds. */
  get earliest(): number {
    return this.#bytes.readDoubleLE(32);
  }

  /** Latest timestamp of its events, epoch milliseconds. */
  get latest(): number {
    return this.#bytes.readDoubleLE(40);
  }

  /** The rows of the events, one after another. */
  get rows(): Buffer {
    return this.#bytes.subarray(this.#rowsAt);
  }

  /** Keys of its events, {@link ID_BYTES} each, in order. */
  get ids(): Buffer {
    return this.#bytes.subarray(HEADER_BYTES + this.count * 4, this.#rowsAt);
  }

  /** The start of row `index` in {@link rows}. */
  rowStart(index: number): number {
    return index === 0 ? 0 : this.rowEnd(index - 1);
  }

  /** The end of row `index` in {@link rows}. */
  rowEnd(index: number): number {
    return this.#bytes.readUInt32LE(HEADER_BYTES + index * 4);
  }

  /** Writes the entry's log offset into each of its rows. */
  placeAt(offset: number): this {
    const { rows } = this;
    for (let i = 0; i < this.count; i += 1) setRowOffset(rows, this.rowStart(i), offset);
    return this;
  }
}
