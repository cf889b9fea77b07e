/**
 * chDB writes every chunk of a stream as a document of its own, with the format's header and ending. A client expects
 * one document, so each format says here how chunks become one.
 */

/** `append`: chunks follow one another. `header`: all but the first lose their header lines. `whole`: a document of chunks there is none. */
export type ChunkJoining =
  | { readonly kind: 'append' }
  | { readonly kind: 'header'; readonly header: HeaderLines }
  | { readonly kind: 'whole' };

/** A header as text. */
export interface HeaderLines {
  readonly lines: number;
  /** Whether a newline inside double quotes, in a column's name, ends no line: so in CSV. */
  readonly quoted: boolean;
}

/** Rows of these formats need nothing around them. */
const APPENDED = new Set([
  'JSONEachRow',
  'JSONLines',
  'NDJSON',
  'JSONCompactEachRow',
  'JSONStringsEachRow',
  'CSV',
  'TSV',
  'TabSeparated',
  'TabSeparatedRaw',
  'RowBinary',
  'Native',
  'Null',
]);

/** How chunks of this output format become one document. */
export function chunkJoining(format: string): ChunkJoining {
  if (APPENDED.has(format)) return { kind: 'append' };
  const header = /^(.*)WithNames(AndTypes)?$/.exec(format);
  // A binary header is no line.
  if (header === null || !APPENDED.has(header[1] ?? '') || header[1] === 'RowBinary')
    return { kind: 'whole' };
  return { kind: 'header', header: { lines: header[2] === undefined ? 1 : 2, quoted: header[1] === 'CSV' } };
}

/** A chunk without its header. */
export function withoutHeader(chunk: Uint8Array, { lines, quoted }: HeaderLines): Uint8Array {
  let isInside = false;
  let left = lines;
  for (let at = 0; at < chunk.length; at += 1) {
    if (quoted && chunk[at] === QUOTE) isInside = !isInside;
    else if (chunk[at] === NEWLINE && !isInside) {
      left -= 1;
      if (left === 0) return chunk.subarray(at + 1);
    }
  }
  return chunk.subarray(chunk.length);
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
