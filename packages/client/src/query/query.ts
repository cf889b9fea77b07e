import type { Call, Connection } from '../http/connection.js';
import { documentOf } from '../http/document.js';
import { cancelled, failureReason } from '../http/failure.js';
import { linesOf } from '../http/lines.js';
import { WeirError } from '../weir-error.js';

/** A value of a query parameter. Integers of 64 bits are strings. */
export type QueryParameter = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** How to ask. */
export interface QueryOptions {
  /** Values for `{name:Type}` in the SQL. */
  readonly params?: Readonly<Record<string, QueryParameter>>;
  /** Stops the query on the server too. */
  readonly signal?: AbortSignal;
  /** How long to wait for the whole answer, milliseconds; default no limit besides those of the server. */
  readonly timeoutMs?: number;
}

/** An answer to a query. */
export interface QueryResult<Row> {
  /**
   * Objects by column name. Integers of 64 bits and decimals are strings, NaN and infinities null, times RFC 3339 in UTC. Of
   * columns with one name the last counts.
   */
  readonly rows: Row[];
  /** With ClickHouse's types, in the order of the SELECT. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Whether there are more rows than the server's limit (10,000): use `queryRows` for all of them. */
  readonly truncated: boolean;
  readonly stats: {
    readonly rows: number;
    readonly elapsedMs: number;
    readonly rowsRead: number | null;
    readonly bytesRead: number | null;
    readonly memoryBytes: number | null;
  };
}

/** A format for files: `parquet` is compressed, `arrow` is an IPC stream. */
export type QueryFormat = 'ndjson' | 'csv' | 'parquet' | 'arrow';

/** See {@link Weir.query}. */
export async function query<Row>(
  connection: Connection,
  project: string,
  sql: string,
  options: QueryOptions = {},
): Promise<QueryResult<Row>> {
  const answer = await connection.json({
    ...callOf(project, sql, options),
    timeoutMs: options.timeoutMs ?? WHOLE_MS,
  });
  const { columns, rows, truncated, stats } = documentOf<QueryAnswer>(answer);
  const names = columns.map(({ name }) => name);
  return {
    // The cast holds as far as the caller's type fits its SQL.
    rows: rows.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]])) as Row),
    columns,
    truncated,
    stats: documentOf(stats),
  };
}

/** See {@link Weir.queryRows}. */
export async function* queryRows<Row>(
  connection: Connection,
  project: string,
  sql: string,
  options: QueryOptions = {},
): AsyncGenerator<Row, void, undefined> {
  const body = await queryBytes(connection, project, sql, { ...options, format: 'ndjson' });
  try {
    // The cast holds as far as the caller's type fits its SQL.
    for await (const line of linesOf(body)) yield JSON.parse(line) as Row;
  } catch (error) {
    throw brokenOff(error, options.signal);
  }
}

/** See {@link Weir.queryBytes}. */
export async function queryBytes(
  connection: Connection,
  project: string,
  sql: string,
  { format, ...options }: QueryOptions & { readonly format: QueryFormat },
): Promise<ReadableStream<Uint8Array>> {
  const response = await connection.response({
    ...callOf(project, sql, options, format),
    timeoutMs: options.timeoutMs,
  });
  return response.body ?? new Blob([]).stream();
}

/** A query takes longer than other requests; the server has its own limit, which its operator sets. */
const WHOLE_MS = 600_000;

function callOf(project: string, sql: string, { params, signal }: QueryOptions, format?: QueryFormat): Call {
  return {
    method: 'POST',
    path: `/api/v1/projects/${encodeURIComponent(project)}/query`,
    body: { sql, params, format },
    signal,
  };
}

function brokenOff(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return cancelled(signal);
  const message = `the answer broke off: ${failureReason(error)}`;
  return new WeirError('interrupted', message, { hint: 'run the query again' }, { cause: error });
}

interface QueryAnswer {
  readonly columns: QueryResult<never>['columns'];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
  readonly stats: object;
}
