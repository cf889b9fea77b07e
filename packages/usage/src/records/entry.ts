/**
 * Usage records in the log's stream `usage`. An entry is one letter and JSON:
 *
 *     O [column, …]                              a request has begun: its record should nothing more be heard of it
 *     C [node id, epoch, [column, …], …]         requests are over: their records
 *
 * So openings that a kill left alone are completed by writing their rows again.
 */
import type { UsageEvent } from '@weir/extension';
import type { Entry } from '@weir/log';
import { eventOfRow, type NodeStart, type RecordRow } from './record-row.js';

/** The stream. */
export const USAGE_STREAM = 'usage';
/** Most records of one completion: a record's `seq` is made of its entry's offset and its place in there. */
export const MAX_ROWS = 512;

const OPENING = 'O'.charCodeAt(0);

/** The entry that opens a record. */
export function encodeOpening(row: RecordRow): Buffer {
  return Buffer.from(`O${JSON.stringify(row)}`);
}

/** The entry that completes records, at most {@link MAX_ROWS}. */
export function encodeCompletion({ nodeId, epoch }: NodeStart, rows: readonly RecordRow[]): Buffer {
  return Buffer.from(`C${JSON.stringify([nodeId, epoch, ...rows])}`);
}

/** Whether an entry opens a record. */
export function isOpening(data: Uint8Array): boolean {
  return data[0] === OPENING;
}

/** The row of an opening. */
export function decodeOpening(data: Uint8Array): RecordRow {
  // The cast holds: the stream is written by this file alone, as are those below.
  return jsonOf(data) as RecordRow;
}

/** The rows of a completion, and whose they are. */
export function decodeCompletion(data: Uint8Array): {
  readonly start: NodeStart;
  readonly rows: RecordRow[];
} {
  const [nodeId, epoch, ...rows] = jsonOf(data) as [string, string, ...RecordRow[]];
  return { start: { nodeId, epoch }, rows };
}

/** The records of an entry; none of an opening. */
export function eventsIn({ offset, data }: Entry, logId: string): UsageEvent[] {
  if (isOpening(data)) return [];
  const { start, rows } = decodeCompletion(data);
  return eventsOf(rows, start, logId, offset);
}

/** The records of rows that were completed by the entry at an offset. */
export function eventsOf(
  rows: readonly RecordRow[],
  start: NodeStart,
  logId: string,
  offset: number,
): UsageEvent[] {
  return rows.map((row, i) => eventOfRow(row, start, { logId, seq: offset * MAX_ROWS + i }));
}

/** The offset of the entry that has a record. */
export function offsetOf({ seq }: UsageEvent): number {
  return Math.floor(seq / MAX_ROWS);
}

/** When the last request of an entry began or ended, epoch milliseconds. */
export function timeOf(data: Uint8Array): number {
  const row = isOpening(data) ? decodeOpening(data) : decodeCompletion(data).rows.at(-1);
  return row?.[1] ?? 0;
}

function jsonOf(data: Uint8Array): unknown {
  return JSON.parse(Buffer.from(data.buffer, data.byteOffset + 1, data.byteLength - 1).toString());
}
