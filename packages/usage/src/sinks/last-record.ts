import type { FileHandle } from 'node:fs/promises';
import type { RecordPlace } from '../records/record-row.js';

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a;
/** The start of every record; a file that starts differently is not a usage file. */
const BEGINNING = Buffer.from('{"id":"');

/** The end of a file of records. */
export interface FileEnd {
  /** Bytes of complete lines; a torn line may follow after a crash. */
  readonly bytes: number;
  /** The place of the last complete line; null if there is none. */
  readonly last: RecordPlace | null;
}

/** Finds the end of a usage file, reading backwards. Throws if the file has other content. */
export async function readEnd(file: FileHandle, path: string): Promise<FileEnd> {
  const { size } = await file.stat();
  let tail = Buffer.alloc(0);
  let from = size;
  // Until there are two line ends, which enclose the last line.
  while (from > 0 && lineEnds(tail).start === -1) {
    const length = Math.min(CHUNK, from);
    from -= length;
    const chunk = Buffer.alloc(length);
    await file.read(chunk, 0, length, from);
    tail = Buffer.concat([chunk, tail]);
  }
  const { start, end } = lineEnds(tail);
  if (end === -1) {
    if (!isTorn(tail)) throw notOurs(path);
    return { bytes: 0, last: null };
  }
  const last = placeOf(tail.toString('utf8', start + 1, end));
  if (last === null) throw notOurs(path);
  return { bytes: from + end + 1, last };
}

/** Whether a file without a complete line is the remainder of a crash: the start of a record, or unwritten bytes. */
function isTorn(text: Buffer): boolean {
  const length = Math.min(text.length, BEGINNING.length);
  const start = text.subarray(0, length);
  return start.equals(BEGINNING.subarray(0, length)) || start.every((byte) => byte === 0);
}

/** The line ends of the last complete line: the previous one (-1 for the first line) and its own. */
function lineEnds(tail: Buffer): { readonly start: number; readonly end: number } {
  const end = tail.lastIndexOf(NEWLINE);
  return { start: end < 1 ? -1 : tail.lastIndexOf(NEWLINE, end - 1), end };
}

function placeOf(line: string): RecordPlace | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('log_id' in value) || !('seq' in value)) return null;
    const { log_id: logId, seq } = value;
    return typeof logId === 'string' && typeof seq === 'number' ? { logId, seq } : null;
  } catch {
    return null;
  }
}

function notOurs(path: string): Error {
  return new Error(
    `${path} does not end with a usage record: move it away, or set WEIR_USAGE_FILE to another path`,
  );
}
