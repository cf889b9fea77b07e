import type { ParameterValue } from '@weir/clickhouse';
import { QueryError } from '../query-error.js';
import { refusalOfEngine } from './engine-refusal.js';
import { notAllowed } from './gate-refusal.js';

/** The engine's own parser, on a session without rights. */
export interface SqlParser {
  /** Runs one statement and reads its rows; throws `ClickHouseError`. */
  rows<T>(
    sql: string,
    options: { params?: Readonly<Record<string, ParameterValue>>; signal?: AbortSignal },
  ): Promise<T[]>;
}

/** Quotes a SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/**
 * The single statement of `sql` in the engine's spelling: one line, no comments, one way of quoting. This text, not the
 * caller's, is checked and run.
 *
 * @throws QueryError if it is not exactly one statement, or its canonical form parses differently
 */
export async function canonicalSql(
  parser: SqlParser,
  sql: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const statement = `SELECT formatQuerySingleLine(${literal(sql)}) AS sql, formatQuerySingleLineOrNull(sql) = sql AS stable`;
  const [row] = await parser
    .rows<{ sql: string; stable: number | null }>(statement, signal === undefined ? {} : { signal })
    .catch((error: unknown) => {
      throw refusalOfEngine(error, sql);
    });
  const canonical = row?.sql ?? '';
  if (row?.stable !== 1) {
    throw notAllowed('clause', '', 'The engine reads this query differently when it writes it out.');
  }
  if (canonical.includes('\ufffd') && !sql.includes('\ufffd')) {
    throw new QueryError('sql_invalid', 'The query creates a string that is not UTF-8.', {
      hint: "Make bytes with unhex('ff') instead of an escape or a hexadecimal literal.",
    });
  }
  return canonical;
}
