import type { TextPosition } from '@weir/base';
import { ClickHouseError } from '@weir/clickhouse';
import { changingStatement, hintOfSyntax } from '../hints/query-hints.js';
import { QueryError } from '../query-error.js';
import { notAllowed } from './gate-refusal.js';

/** ClickHouse's parser codes that get a message of Weir. */
const TOO_DEEP = new Set([306, 167]);
const TOO_MANY_PARTS = 168;
const PARAMETER_MISSING = 456;
const PARAMETER_BAD = 457;

/**
 * Converts an error that the engine raised while it parsed `sql` or bound its parameters: the engine's text, without
 * quotes of Weir's statements. Errors of an unavailable store are returned unchanged.
 */
export function refusalOfEngine(error: unknown, sql: string): unknown {
  if (!(error instanceof ClickHouseError) || error.code === 'unavailable') return error;
  const detail = error.detail ?? error.message;
  if (/Max query size exceeded/.test(detail)) return tooLarge();
  if (error.exceptionCode === TOO_MANY_PARTS) return tooManyParts();
  if (error.exceptionCode !== undefined && TOO_DEEP.has(error.exceptionCode)) {
    return new QueryError('sql_invalid', 'The query is nested too deeply.', {
      hint: 'Write long chains of conditions as lists, x IN (…), and long nestings as CTEs.',
    });
  }
  if (error.exceptionCode === PARAMETER_MISSING || error.exceptionCode === PARAMETER_BAD) {
    const name = /[`']([A-Za-z_][A-Za-z0-9_]*)['`]/.exec(detail)?.[1];
    return parameterRefusal(name ?? '', scrub(detail));
  }
  const statement = changingStatement(sql);
  if (statement !== undefined) return readsOnly(statement);
  const position = positionOf(detail, sql);
  const hint = hintOfSyntax(sql);
  return new QueryError('sql_invalid', scrub(detail), { position, hint });
}

/** The rejection of a statement that would change data. */
export function readsOnly(statement: string): QueryError {
  return notAllowed(
    'statement',
    statement,
    `${statement} would change something; queries only read.`,
    'Send a SELECT. Events are added by the ingest route, and stay as they were sent.',
  );
}

/** The rejection of a parameter without a value, or with one of the wrong type. */
export function parameterRefusal(name: string, message: string): QueryError {
  return new QueryError('sql_invalid', message, {
    identifier: name,
    hint: `Send a value of the right type for ${name} in params.`,
  });
}

/** The text exceeds the limit of the engine or the configuration. */
export function tooLarge(limit?: number): QueryError {
  const bound = limit === undefined ? '' : ` ${limit} bytes`;
  return new QueryError('query_too_large', `The query is longer than the limit${bound}.`, {
    hint: 'Send long lists of values as a parameter, such as {ids:Array(String)}.',
  });
}

/** The engine limits the parts of a query, before and after names are expanded. */
function tooManyParts(): QueryError {
  return new QueryError('query_too_large', 'The query has too many parts once names are written out.', {
    hint: 'Send long lists of values as a parameter, such as {ids:Array(String)}, and name fewer parts through one another.',
  });
}

/** The list of all keywords that the parser would have accepted; it helps no reader. */
const EXPECTED = / Expected one of: .{200,}$/s;

/**
 * Maximum characters of a text that are searched: it may repeat the whole query, and the regular expressions take
 * quadratic time.
 */
const MAX_DETAIL = 4_000;

/** The engine's text without the surrounding statement, which is Weir's and repeats the whole query. */
function scrub(detail: string): string {
  const text = detail
    .slice(0, MAX_DETAIL)
    .replace(/:? ?In scope .*$/s, '')
    .replace(/ \(version [^)]*\)/g, '')
    .replace(EXPECTED, '');
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text.trim();
}

/** Parses "failed at position 25", counted in bytes from 1. */
function positionOf(detail: string, sql: string): TextPosition | undefined {
  const at = /failed at position (\d+)/.exec(detail)?.[1];
  if (at === undefined) return undefined;
  const before = Buffer.from(sql, 'utf8')
    .subarray(0, Number(at) - 1)
    .toString('utf8');
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1, offset: before.length };
}
