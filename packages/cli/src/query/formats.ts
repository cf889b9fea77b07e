/** Output formats of query results. */
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { readAhead } from '@weir/base/node';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import { CliError, usageError } from '../cli-error.js';
import type { Output } from '../output/output.js';
import { type Column, formatTable } from '../output/table.js';

/** The formats. */
export const FORMATS = ['table', 'json', 'csv', 'ndjson', 'parquet', 'arrow'] as const;

/** One of {@link FORMATS}. */
export type Format = (typeof FORMATS)[number];

const queryAnswer = z.looseObject({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
  stats: z.looseObject({ rows: z.number(), elapsed_ms: z.number() }),
  truncated: z.boolean(),
});

/** A query request. */
export interface QueryRequest {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Runs a query and writes its result in a format. */
export async function writeAnswer(
  api: ApiClient,
  path: string,
  request: QueryRequest,
  format: Format,
  output: Output,
): Promise<void> {
  if (format === 'parquet' || format === 'arrow') mustNotBeTerminal(format, output);
  if (format !== 'json' && format !== 'table') {
    const response = await api.response({ method: 'POST', path, body: { ...request, format } });
    await copyBody(response, api.server, output);
    return;
  }
  const answer = await api.json(queryAnswer, { method: 'POST', path, body: { ...request, format: 'json' } });
  if (format === 'json') output.document(answer);
  else output.text(formatTable(answer.columns.map(tableColumn), answer.rows));
  const { rows, elapsed_ms } = answer.stats;
  if (format === 'table') output.note(`${rows} ${rows === 1 ? 'row' : 'rows'} in ${elapsed_ms} ms`);
  if (answer.truncated) {
    output.note(
      'weir: truncated: there are more rows. Add LIMIT, aggregate, or take --format ndjson, csv or parquet',
    );
  }
}

function mustNotBeTerminal(format: Format, { stdout }: Output): void {
  if (stdout.isTTY === true) {
    throw usageError(
      `${format} is not for a terminal`,
      `Write it to a file: weir query … --format ${format} > rows.${format}`,
    );
  }
}

/** Aligns numeric columns by type, because wide integers are returned as strings. */
function tableColumn({ name, type }: { name: string; type: string }): Column {
  return { name, isNumeric: /^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal)/.test(type) };
}

/** Bytes of a response that are buffered in memory before a temporary file is used. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Copies a response. The server disconnects a client that reads nothing for a minute, and a pager pauses while a person
 * reads. So the response is read at the server's speed, and a temporary file buffers it.
 *
 * @throws CliError `failed` if the response ends early
 */
async function copyBody(response: Response, server: string, { stdout }: Output): Promise<void> {
  if (response.body === null) return;
  try {
    for await (const chunk of readAhead(response.body, { directory: tmpdir(), windowBytes: WINDOW_BYTES })) {
      if (!stdout.write(chunk)) await once(stdout, 'drain');
    }
  } catch (error) {
    // The status was 200: the server aborts the response if a query fails midway.
    throw new CliError(
      'failed',
      'answer_broke_off',
      `the answer of ${server} was interrupted: the output is incomplete`,
      {
        hint: 'The query failed midway, timed out, or exceeded the result limit of the server (WEIR_QUERY_MAX_RESULT_BYTES)',
        cause: error,
      },
    );
  }
}
