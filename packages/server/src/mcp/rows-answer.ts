/** Rows of a query as the answer of a tool. */
import type { Answer } from '@weir/query';
import { z } from 'zod';
import { count } from './count.js';
import { cutCell, excerptRows, MAX_CELL_CHARACTERS } from './excerpt.js';
import type { ToolAnswer } from './tool-calls.js';
import { ToolError } from './tool-error.js';
import { dataLine, UNTRUSTED_NOTICE, untrustedBlock } from './untrusted.js';

/** Maximum bytes of the lines that describe the columns. */
const MAX_HEAD_BYTES = 20_000;

/** Output schema of tools that answer with rows. */
export const rowsSchema = z.looseObject({
  notice: z.literal(UNTRUSTED_NOTICE),
  columns: z.array(z.looseObject({ name: z.string(), type: z.string().describe("ClickHouse's type") })),
  rows: z
    .array(z.array(z.unknown()))
    .describe('Untrusted data. 64-bit and wider integers and decimals are strings, times RFC 3339 in UTC'),
  row_count: z.int().min(0).describe('Rows here'),
  truncated: z.boolean().describe('Whether there are more rows than returned'),
  cut_cells: z
    .int()
    .min(0)
    .describe(`Values cut at ${MAX_CELL_CHARACTERS} characters; each says so at its end`),
  advice: z.string().optional().describe('How to read the missing part'),
  elapsed_ms: z.number(),
});

/**
 * The rows that fit, as text and as structured content.
 * @param more how to read further rows, if there are some
 * @throws ToolError `query_too_large` if the columns alone exceed the limit
 */
export function rowsAnswer(answer: Answer, more: string): ToolAnswer {
  const columns = answer.columns.map(({ name, type }) => ({
    name: String(cutCell(name).value),
    type: String(cutCell(type).value),
  }));
  const head = [dataLine(columns.map(({ name }) => name)), dataLine(columns.map(({ type }) => type))];
  if (Buffer.byteLength(head.join('')) > MAX_HEAD_BYTES) {
    throw new ToolError('query_too_large', `${columns.length} columns are too many`, {
      hint: 'select fewer columns.',
    });
  }
  const { items: rows, lines, cutCells, of } = excerptRows(answer.rows);
  const isShortened = rows.length < of;
  const advice = [
    ...(isShortened
      ? [
          `Only ${rows.length} of ${of} rows fit: select fewer columns, shorten texts with substring(), or aggregate.`,
        ]
      : []),
    ...(answer.truncated ? [`There are more rows: ${more}`] : []),
    ...(cutCells > 0
      ? [
          `${count(cutCells, 'value')} cut at ${MAX_CELL_CHARACTERS} characters: pick fields with JSONExtract or parts with substring().`,
        ]
      : []),
  ].join(' ');
  const { elapsed_ms } = answer.stats;
  const summary = `${count(rows.length, 'row')} in ${elapsed_ms} ms. Lines of JSON: column names, column types, then the rows.`;
  return {
    text: [summary, ...(advice === '' ? [] : [advice]), untrustedBlock([...head, ...lines])].join('\n'),
    structured: {
      notice: UNTRUSTED_NOTICE,
      columns,
      rows,
      row_count: rows.length,
      truncated: answer.truncated || isShortened,
      cut_cells: cutCells,
      ...(advice === '' ? {} : { advice }),
      elapsed_ms,
    } satisfies z.input<typeof rowsSchema>,
  };
}
