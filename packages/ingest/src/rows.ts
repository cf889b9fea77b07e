/**
 * Events in ClickHouse's RowBinary format, encoded once when an event is accepted. The log stores these bytes and the
 * flusher sends them unchanged; only a row's log offset, unknown until its entry is appended, is written afterwards.
 *
 * A row is, in this order (RowBinary, little endian; String = varint length and UTF-8; Nullable = 0 and the value, or
 * 1):
 *
 *     0  log_epoch UInt32 · 4 log_offset UInt64 · 12 log_index UInt32 · 16 project_id UUID
 *     32 received_at Int64 ms · 40 timestamp Int64 ms
 *     48 event · event_id · anonymous_id? · user_id? · session_id? · properties · extras
 */
import type { ValidEvent } from './validate.js';

/** The columns of a row in order, for the column list of an INSERT. */
export const ROW_COLUMNS = [
  'log_epoch',
  'log_offset',
  'log_index',
  'project_id',
  'received_at',
  'timestamp',
  'event',
  'event_id',
  'anonymous_id',
  'user_id',
  'session_id',
  'properties',
  'extras',
] as const;

const OFFSET_AT = 4;
const INDEX_AT = 12;
const PROJECT_AT = 16;
const RECEIVED_AT = 32;
const TIMESTAMP_AT = 40;
const TEXTS_AT = 48;
const UINT32 = 0x1_0000_0000;

/** An event decoded from a row. */
export interface StoredEvent extends ValidEvent {
  readonly event_id: string;
  /** Arrival, epoch milliseconds. */
  readonly received_at: number;
}

/** The data of a row besides its event. */
export interface RowPlace {
  readonly epoch: number;
  readonly index: number;
  /** The project id's 16 bytes in ClickHouse's order, see {@link uuidBytes}. */
  readonly project: Uint8Array;
  readonly receivedAt: number;
}

/** A UUID's bytes as ClickHouse stores them: two 64-bit halves, each little endian. */
export function uuidBytes(uuid: string): Uint8Array {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 8).reverse();
  bytes.subarray(8, 16).reverse();
  return bytes;
}

/** The text of a UUID stored by {@link uuidBytes}. */
export function uuidText(bytes: Uint8Array): string {
  const halves = Buffer.from(bytes);
  halves.subarray(0, 8).reverse();
  halves.subarray(8, 16).reverse();
  const hex = halves.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Writes rows one after another into one growing buffer. */
export class RowWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Bytes written since the last {@link take}. */
  get length(): number {
    return this.#length;
  }

  /** Appends the row of an event; its log offset stays 0. */
  write(event: ValidEvent, eventId: string, place: RowPlace): void {
    const texts =
      event.event.length +
      eventId.length +
      (event.anonymous_id?.length ?? 0) +
      (event.user_id?.length ?? 0) +
      (event.session_id?.length ?? 0) +
      event.properties.length +
      event.extras.length;
    this.#reserve(TEXTS_AT + texts * 3 + 7 * 6);
    const buffer = this.#buffer;
    const start = this.#length;
    buffer.writeUInt32LE(place.epoch, start);
    buffer.fill(0, start + OFFSET_AT, start + INDEX_AT);
    buffer.writeUInt32LE(place.index, start + INDEX_AT);
    buffer.set(place.project, start + PROJECT_AT);
    writeInt64(buffer, place.receivedAt, start + RECEIVED_AT);
    writeInt64(buffer, event.timestamp, start + TIMESTAMP_AT);
    let at = writeText(buffer, event.event, start + TEXTS_AT);
    at = writeText(buffer, eventId, at);
    at = writeNullable(buffer, event.anonymous_id, at);
    at = writeNullable(buffer, event.user_id, at);
    at = writeNullable(buffer, event.session_id, at);
    at = writeText(buffer, event.properties, at);
    this.#length = writeText(buffer, event.extras, at);
  }

  /** A copy of the written bytes; resets the writer. */
  take(): Buffer {
    const rows = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return rows;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Writes the log offset of a row's entry into the row at `start`. */
export function setRowOffset(rows: Buffer, start: number, offset: number): void {
  rows.writeUInt32LE(offset % UINT32, start + OFFSET_AT);
  rows.writeUInt32LE(Math.floor(offset / UINT32), start + OFFSET_AT + 4);
}

/** The log offset of the row at `start`. */
export function rowOffset(rows: Buffer, start: number): number {
  return rows.readUInt32LE(start + OFFSET_AT) + rows.readUInt32LE(start + OFFSET_AT + 4) * UINT32;
}

/** The index within its log entry of the row at `start`. */
export function rowIndex(rows: Buffer, start: number): number {
  return rows.readUInt32LE(start + INDEX_AT);
}

/** The timestamp of the row at `start`, epoch milliseconds. */
export function rowTimestamp(rows: Buffer, start: number): number {
  return readInt64(rows, start + TIMESTAMP_AT);
}

/** The arrival of the event in the row at `start`, epoch milliseconds. */
export function rowReceivedAt(rows: Buffer, start: number): number {
  return readInt64(rows, start + RECEIVED_AT);
}

/** The event's name in the row at `start`, without decoding the whole row. */
export function rowEvent(rows: Buffer, start: number): string {
  return readText({ rows, at: start + TEXTS_AT });
}

/** Decodes the event of the row at `start`. */
export function readRow(rows: Buffer, start: number): StoredEvent {
  const reader = { rows, at: start + TEXTS_AT };
  return {
    event: readText(reader),
    event_id: readText(reader),
    anonymous_id: readNullable(reader),
    user_id: readNullable(reader),
    session_id: readNullable(reader),
    properties: readText(reader),
    extras: readText(reader),
    timestamp: rowTimestamp(rows, start),
    received_at: rowReceivedAt(rows, start),
  };
}

// Times are whole milliseconds from 1970 to 2200: two 32-bit words cost less than a BigInt.
function writeInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % UINT32, at);
  buffer.writeUInt32LE(Math.floor(value / UINT32), at + 4);
}

function readInt64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * UINT32;
}

function writeNullable(buffer: Buffer, text: string | null, at: number): number {
  if (text === null) {
    buffer[at] = 1;
    return at + 1;
  }
  buffer[at] = 0;
  return writeText(buffer, text, at + 1);
}

/** Below this length, a loop over ASCII costs less than a call into the runtime. */
const SHORT = 64;

function writeText(buffer: Buffer, text: string, at: number): number {
  const { length } = text;
  if (length < SHORT) {
    let i = 0;
    for (; i < length; i += 1) {
      const c = text.charCodeAt(i);
      if (c > 0x7f) break;
      buffer[at + 1 + i] = c;
    }
    if (i === length) {
      buffer[at] = length;
      return at + 1 + length;
    }
  }
  const bytes = Buffer.byteLength(text);
  const start = writeVarint(buffer, bytes, at);
  buffer.write(text, start, bytes, 'utf8');
  return start + bytes;
}

function writeVarint(buffer: Buffer, value: number, at: number): number {
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    buffer[place] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    place += 1;
  }
  buffer[place] = rest;
  return place + 1;
}

interface Reader {
  readonly rows: Buffer;
  at: number;
}

function readText(reader: Reader): string {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.rows.readUInt8(reader.at);
    reader.at += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const text = reader.rows.toString('utf8', reader.at, reader.at + length);
  reader.at += length;
  return text;
}

function readNullable(reader: Reader): string | null {
  const isNull = reader.rows.readUInt8(reader.at) === 1;
  reader.at += 1;
  return isNull ? null : readText(reader);
}
