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

/** What every call takes. */
export interface CallOptions {
  /** ClickHouse settings of this call alone. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Names what runs, for {@link ClickHouse.running} and {@link ClickHouse.kill}; travels as `log_comment`.
   * Letters, digits and `_ . : / -`, at most 200.
   */
  readonly tag?: string;
  /** Gives up: the call rejects with the signal's reason. The embedded engine stops the query, but not an insert it has whole. */
  readonly signal?: AbortSignal;
  /** Gives up after so many milliseconds, with an `unavailable` error. Default: none. */
  readonly timeoutMs?: number;
}

/** What a call with a statement of its own takes. */
export interface StatementOptions extends CallOptions {
  /** Values for the statement's `{name:Type}` placeholders. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
}

/** What {@link ClickHouse.stream} takes. */
export interface StreamOptions extends StatementOptions {
  /** The output format where the statement names none. Default `JSONEachRow`. */
  readonly format?: string;
}

/**
 * The bytes of an answer as they come. Nothing is returned before the first block has succeeded; a failure after
 * that is thrown by the iteration, never passed off as an end. Leaving the loop early stops the query. To be
 * iterated once, and in any case: an answer nobody reads holds its connection.
 */
export interface ResultBytes extends AsyncIterable<Uint8Array> {
  /** The id ClickHouse knows the query by. */
  readonly queryId: string;
}

/** What an insert wrote. */
export interface InsertResult {
  /** Rows written, as ClickHouse counts them (rows written through materialized views included). */
  readonly writtenRows: number;
}

/** The one way into ClickHouse, a server or the embedded engine. Every method throws `ClickHouseError`. */
export interface ClickHouse {
  /** Runs one SELECT (or another statement that answers) and reads all its rows. 64-bit and wider integers are strings. */
  query<T>(sql: string, options?: StatementOptions): Promise<T[]>;

  /** Runs one statement and streams the answer in the given format. */
  stream(sql: string, options?: StreamOptions): Promise<ResultBytes>;

  /** Runs a statement without an answer, such as DDL. */
  command(sql: string, options?: StatementOptions): Promise<void>;

  /**
   * Inserts bytes as they are. `statement` ends in a format: `INSERT INTO db.table (a, b) FORMAT RowBinary`.
   * When this rejects with `unavailable`, or is given up, the rows may or may not be there:
   * {@link kill} its tag, then ask the table.
   */
  insertRaw(statement: string, body: readonly Uint8Array[], options?: CallOptions): Promise<InsertResult>;

  /** How many calls run whose tag starts with `tag`. On the embedded engine this counts those still queued there. */
  running(tag: string, options?: { readonly signal?: AbortSignal }): Promise<number>;

  /**
   * Stops every call whose tag starts with `tag` and resolves when none runs. Waits as long as ClickHouse needs. Says what
   * the query of a {@link Reader} with exactly this tag has used, also when it had ended a moment before; undefined
   * where there was none, and on a ClickHouse server.
   */
  kill(tag: string, options?: { readonly signal?: AbortSignal }): Promise<QueryUse | undefined>;

  /** Whether it answers; never throws. */
  ping(timeoutMs?: number): Promise<boolean>;

  /** ClickHouse's version, such as `26.7.2.1`. */
  version(): Promise<string>;

  /** Closes the connections. The server or engine goes on. */
  close(): Promise<void>;
}
