import type { ParameterValue } from './clickhouse.js';
import { ClickHouseError } from './clickhouse-error.js';
import { HttpSession } from './http-session.js';
import { databaseNames } from './migrate/migration.js';
import type { ClickHouseTarget } from './target.js';

/** Options of {@link Parser.rows}. */
export interface ParseOptions {
  /** Values for the statement's `{name:Type}` placeholders. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
  readonly signal?: AbortSignal;
}

/** ClickHouse's own parser, for texts of tenants, in a session without any rights. */
export interface Parser {
  /** Runs one of Weir's statements (formatQuery…, EXPLAIN) and reads its rows. Throws `ClickHouseError`. */
  rows<T>(sql: string, options?: ParseOptions): Promise<T[]>;
  /** Closes the connections. */
  close(): Promise<void>;
}

/** The canonical form of a text is longer than the text that was sent. */
const MAX_STATEMENT_BYTES = 8 * 1024 * 1024;
/** Parsing takes milliseconds; longer runs are aborted. */
const PARSE_LIMIT_MS = 10_000;

/**
 * Connects to ClickHouse's parser: on the embedded engine as a user without any rights, on a server as the reader,
 * read-only.
 * @throws ClickHouseError if a server target names no reader
 */
export function connectParser(target: ClickHouseTarget): Parser {
  const user = 'socketPath' in target ? target.parser : target.reader;
  if (user === undefined) {
    throw new ClickHouseError('query', 'queries of tenants need a reader: a ClickHouse user of their own');
  }
  return new HttpParser(new HttpSession(target, user, databaseNames().views));
}

class HttpParser implements Parser {
  readonly #session: HttpSession;

  constructor(session: HttpSession) {
    this.#session = session;
  }

  async rows<T>(sql: string, options: ParseOptions = {}): Promise<T[]> {
    const answer = await this.#session.send({
      sql,
      params: options.params,
      settings: { default_format: 'JSONEachRow', readonly: 1, max_query_size: MAX_STATEMENT_BYTES },
      signal: options.signal,
      timeoutMs: PARSE_LIMIT_MS,
    });
    const parts: Uint8Array[] = [];
    for await (const part of answer) parts.push(part);
    const lines = Buffer.concat(parts).toString('utf8').split('\n');
    // The caller declares the row type that its SELECT returns.
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
