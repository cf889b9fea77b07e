/** Splits a byte stream into lines with bounded memory: a line that is too long is discarded while it is read. */

/** A line; only its number if it was too long. */
export interface Line {
  /** Starting at 1. */
  readonly number: number;
  /** Without the line ending; null if the line was too long. */
  readonly bytes: Buffer | null;
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Yields lines in chunks as they arrive.
 * @param maxBytes maximum length of a line
 * @param isExact keeps blank lines and carriage returns; otherwise both are removed
 */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
  isExact = false,
): AsyncGenerator<Line[]> {
  let number = 1;
  let pieces: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer): void => {
    length += piece.length;
    // A carriage return before the line feed does not count, hence one more.
    if (length > maxBytes + 1) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const take = (): Line | null => {
    const whole = length > maxBytes + 1 ? null : joined(pieces);
    const bytes = whole === null || isExact ? whole : withoutReturn(whole);
    const line = { number, bytes: bytes !== null && bytes.length > maxBytes ? null : bytes };
    number += 1;
    pieces = [];
    length = 0;
    return line.bytes === null || isExact || !isBlank(line.bytes) ? line : null;
  };
  for await (const chunk of source) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      add(chunk.subarray(start, end));
      const line = take();
      if (line !== null) lines.push(line);
      start = end + 1;
    }
    add(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  // The rest after the last line feed is a line only if it is not empty.
  const last = isExact && length === 0 ? null : take();
  if (last !== null) yield [last];
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === CR);
}
