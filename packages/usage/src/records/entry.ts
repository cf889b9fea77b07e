/**
 * Usage records in the log's stream `usage`. An entry is one letter and JSON:
 *
 *     O [column, …]                              a request has begun: its record, in case no completion follows
 *     C [node id, epoch, [column, …], …]         requests have ended: their records
 *
 * A start completes openings that a kill left by writing their rows again.
 */
import type { UsageEvent } from '@weir/extension';
import type { Entry } from '@weir/log';
import { eventOfRow, type NodeStart, type RecordRow } from './record-row.js';

/** The log stream of usage records. */
export const USAGE_STREAM = 'usage';
/** Maximum records of one completion: a record's `seq` is computed from the offset of its entry and its index. */
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

/** Decodes an opening. */
export function decodeOpening(data: Uint8Array): RecordRow {
  // The cast holds: only this file writes to the stream; the same applies below.
  return jsonOf(data) as RecordRow;
}

/** The rows of a completion, and the start of the node that wrote them. */
export function decodeCompletion(data: Uint8Array): {
  readonly start: NodeStart;
  readonly rows: RecordRow[];
} {
  const [nodeId, epoch, ...rows] = jsonOf(data) as [string, string, ...RecordRow[]];
  return { start: { nodeId, epoch }, rows };
}

/** The records of an entry; none for an opening. */
export function eventsIn({ offset, data }: Entry, logId: string): UsageEvent[] {
  if (isOpening(data)) return [];
  const { start, rows } = decodeCompletion(data);
  return eventsOf(rows, start, logId, offset);
}

/** The records of rows that the entry at an offset completes. */
export function eventsOf(
  rows: readonly RecordRow[],
  start: NodeStart,
  logId: string,
  offset: number,
): UsageEvent[] {
  return rows.map((row, i) => eventOfRow(row, start, { logId, seq: offset * MAX_ROWS + i }));
}

/** The offset of the entry with a record. */
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
