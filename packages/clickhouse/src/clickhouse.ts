import type { QueryUse } from './query-use.js';

/** A value ClickHouse can bind to a `{name:Type}` placeholder. */
export type ParameterValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | readonly ParameterValue[]
  | { readonly [key: string]: ParameterValue };

/** Options of every call. */
export interface CallOptions {
  /** ClickHouse settings of this call only. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Identifies the call for {@link ClickHouse.running} and {@link ClickHouse.kill}; sent as `log_comment`. Letters,
   * digits and `_ . : / -`, at most 200.
   */
  readonly tag?: string;
  /**
   * Aborts the call: it rejects with the signal's reason. The embedded engine stops a query, but not an insert whose
   * body it has received completely.
   */
  readonly signal?: AbortSignal;
  /** Aborts the call after this time, milliseconds, with an `unavailable` error. Default: none. */
  readonly timeoutMs?: number;
}

/** Options of a call with a statement. */
export interface StatementOptions extends CallOptions {
  /** Values for the statement's `{name:Type}` placeholders. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
}

/** Options of {@link ClickHouse.stream}. */
export interface StreamOptions extends StatementOptions {
  /** The output format if the statement names none. Default `JSONEachRow`. */
  readonly format?: string;
}

/**
 * The bytes of an answer as they arrive. It is returned only after the first block has succeeded. The iteration throws
 * later failures, so a failed answer never looks complete. Leaving the loop early stops the query. Iterate once, and
 * always: an unread answer holds its connection.
 */
export interface ResultBytes extends AsyncIterable<Uint8Array> {
  /** ClickHouse's id of the query. */
  readonly queryId: string;
}

/** The result of an insert. */
export interface InsertResult {
  /** Written rows, as ClickHouse counts them (including rows written through materialized views). */
  readonly writtenRows: number;
}

/** The client of ClickHouse, either a server or the embedded engine. Every method throws `ClickHouseError`. */
export interface ClickHouse {
  /** Runs one SELECT (or another statement that answers) and reads all its rows. 64-bit and wider integers are strings. */
  query<T>(sql: string, options?: StatementOptions): Promise<T[]>;

  /** Runs one statement and streams the answer in the given format. */
  stream(sql: string, options?: StreamOptions): Promise<ResultBytes>;

  /** Runs a statement without a result, such as DDL. */
  command(sql: string, options?: StatementOptions): Promise<void>;

  /**
   * Inserts bytes unchanged. `statement` ends in a format: `INSERT INTO db.table (a, b) FORMAT RowBinary`. If this
   * rejects with `unavailable`, or was aborted, the rows may or may not be stored: {@link kill} its tag, then query the
   * table.
   */
  insertRaw(statement: string, body: readonly Uint8Array[], options?: CallOptions): Promise<InsertResult>;

  /** Counts the running calls whose tag starts with `tag`; on the embedded engine, including queued ones. */
  running(tag: string, options?: { readonly signal?: AbortSignal }): Promise<number>;

  /**
   * Stops every call whose tag starts with `tag` and resolves when none runs, however long ClickHouse needs. Returns
   * what the query of a {@link Reader} with exactly this tag has used, also if it ended shortly before; undefined if
   * there was none, and on a ClickHouse server.
   */
  kill(tag: string, options?: { readonly signal?: AbortSignal }): Promise<QueryUse | undefined>;

  /** Whether ClickHouse answers; never throws. */
  ping(timeoutMs?: number): Promise<boolean>;

  /** ClickHouse's version, such as `26.7.2.1`. */
  version(): Promise<string>;

  /** Closes the connections. The server or engine continues to run. */
  close(): Promise<void>;
}
