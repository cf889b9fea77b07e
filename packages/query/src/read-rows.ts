import type { AnswerColumn } from './question.js';

/** Rows in their JSON form. */
export interface ReadRows {
  readonly columns: readonly AnswerColumn[];
  readonly rows: readonly (readonly unknown[])[];
  /** Whether there were more rows. */
  readonly truncated: boolean;
}

/** The format that {@link readRows} parses: names, types, then one row on each line. */
export const ROWS_FORMAT = 'JSONCompactEachRowWithNamesAndTypes';

/**
 * Reads an answer in {@link ROWS_FORMAT} up to a number of rows or bytes, and one row beyond to detect that there are
 * more.
 */
export async function readRows(
  bytes: AsyncIterable<Uint8Array>,
  max: { readonly rows: number; readonly bytes: number },
): Promise<ReadRows> {
  const head: string[][] = [];
  const rows: unknown[][] = [];
  let truncated = false;
  let length = 0;
  for await (const line of linesOf(bytes, max.bytes)) {
    if (line === '') continue;
    // The casts hold by the definition of the format.
    if (head.length < 2 && line !== TOO_LONG) head.push(JSON.parse(line) as string[]);
    else if (line !== TOO_LONG && rows.length < max.rows && length + line.length <= max.bytes) {
      rows.push(JSON.parse(line) as unknown[]);
      length += line.length;
    } else {
      truncated = true;
      break;
    }
  }
  const [names = [], types = []] = head;
  return { columns: names.map((name, i) => ({ name, type: types[i] ?? '' })), rows, truncated };
}

const TOO_LONG = Symbol('a line that is too long');

/** The lines of a text in chunks. Leaving the loop early ends the source. */
async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  maxLength: number,
): AsyncGenerator<string | typeof TOO_LONG> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let restLength = 0;
  for await (const piece of bytes) {
    const [first = '', ...lines] = decoder.decode(piece, { stream: true }).split('\n');
    rest.push(first);
    restLength += first.length;
    if (restLength > maxLength) yield TOO_LONG;
    if (lines.length === 0) continue;
    yield rest.join('');
    rest = [lines.pop() ?? ''];
    restLength = rest[0]?.length ?? 0;
    yield* lines;
  }
  yield rest.join('');
}
