/** A byte stream as lines, with bounded memory: what is longer than a line may be is dropped while it is read. */

/** A line, or only its number where it was too long. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line end; null for a line that was too long. */
  readonly bytes: Buffer | null;
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Lines, as many at once as arrived together.
 * @param maxBytes longest line
 * @param isExact whether blank lines and carriage returns are content; else blank lines are left out, and a carriage return
 * before the line end with it
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
    // A carriage return before the line end does not count, hence one more.
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
  // What follows the last line end is a line only if there is something of it.
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
