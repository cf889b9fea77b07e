import type { FileHandle } from 'node:fs/promises';
import type { RecordPlace } from '../records/record-row.js';

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a;
/** What every record begins with: a file that does not is somebody else's. */
const BEGINNING = Buffer.from('{"id":"');

/** The end of a file of records. */
export interface FileEnd {
  /** Bytes of whole lines; what follows is a line that was torn by a crash. */
  readonly bytes: number;
  /** Of the last whole line; null where there is none. */
  readonly last: RecordPlace | null;
}

/** Finds the end of a file of records, reading from its end. Throws where it is a file of something else. */
export async function readEnd(file: FileHandle, path: string): Promise<FileEnd> {
  const { size } = await file.stat();
  let tail = Buffer.alloc(0);
  let from = size;
  // Until there are two line ends: what is between them is the last line.
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

/** Whether a file without a whole line is what a crash leaves of a record: its beginning, or bytes never written. */
function isTorn(text: Buffer): boolean {
  const length = Math.min(text.length, BEGINNING.length);
  const start = text.subarray(0, length);
  return start.equals(BEGINNING.subarray(0, length)) || start.every((byte) => byte === 0);
}

/** Of the last whole line: the line end before it (-1 where it is the first) and its own. */
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
