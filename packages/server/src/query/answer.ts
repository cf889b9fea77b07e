import type { ResultBytes } from '@weir/clickhouse';

/** A query's answer as JSON carries it. */
export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** Whether there were more rows than were asked for. */
  readonly truncated: boolean;
}

/**
 * Reads an answer in ClickHouse's JSONCompactEachRowWithNamesAndTypes: names, types, then a row a line. Stops the
 * query once it has so many rows or bytes and knows that there is one more row.
 */
export async function readAnswer(
  bytes: ResultBytes,
  max: { readonly rows: number; readonly bytes: number },
): Promise<Answer> {
  const head: string[][] = [];
  const rows: unknown[][] = [];
  let truncated = false;
  let length = 0;
  for await (const line of linesOf(bytes)) {
    if (line === '') continue;
    // The casts hold by the format's definition.
    if (head.length < 2) head.push(JSON.parse(line) as string[]);
    else if (rows.length < max.rows && length + line.length <= max.bytes) {
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

/** The lines of a text that comes in pieces. Leaving the loop early ends the pieces' source. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
