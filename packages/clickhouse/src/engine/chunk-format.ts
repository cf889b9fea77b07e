/**
 * chDB writes every chunk of a stream as a separate document, with the header and the end of the format. A client
 * expects one document, so this file defines for each format how to join chunks.
 */

/**
 * `append`: chunks are concatenated. `header`: all but the first lose their header lines. `whole`: chunks cannot be
 * joined.
 */
export type ChunkJoining =
  | { readonly kind: 'append' }
  | { readonly kind: 'header'; readonly header: HeaderLines }
  | { readonly kind: 'whole' };

/** A header as text. */
export interface HeaderLines {
  readonly lines: number;
  /** Whether a newline inside double quotes, in a column name, does not end a line: so in CSV. */
  readonly quoted: boolean;
}

/** Rows of these formats need no header and no end. */
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

/** How chunks of an output format are joined. */
export function chunkJoining(format: string): ChunkJoining {
  if (APPENDED.has(format)) return { kind: 'append' };
  const header = /^(.*)WithNames(AndTypes)?$/.exec(format);
  // A binary header cannot be split by lines.
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
