import { ClickHouseError } from '@weir/clickhouse';
import { failedExpression, scrub } from './engine-text.js';
import { hintOfError } from './hints/query-hints.js';
import { QueryError } from './query-error.js';

/** ClickHouse codes with a specific meaning for the caller. */
const SYNTAX_ERROR = 62;
const TIMEOUT_EXCEEDED = 159;
const TOO_MANY_QUERIES = 202;
const MEMORY_LIMIT_EXCEEDED = 241;
const CANNOT_COMPILE_REGEXP = 427;
const ILLEGAL_PREWHERE = 182;
/** Type errors whose texts do not name the expression. */
const TYPES_DIFFER: ReadonlySet<number> = new Set([43, 53, 70, 386]);
/** View names that the engine prepends to column names. */
const ENGINE_NAMES = /\bweir\w*\.(?:events|persons|sessions)\./g;
const TIMES =
  'write times as 2026-11-21 10:00:00, or toDateTime64(text, 3) where they have T and Z; parseDateTimeBestEffortOrNull(x) goes on where a text is no time';
/** A time in JSON form, which comparisons with a column do not accept. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})$/i;
const UNFIT_HINTS: readonly (readonly [codeName: RegExp, hint: string])[] = [
  [/DATE/, TIMES],
  [
    /PARSE/,
    'functions whose name ends in OrNull or OrZero go on where a text does not fit, such as toFloat64OrNull(x)',
  ],
  [/REGEXP/, 'write a backslash of a pattern twice, and escape ( [ { that stand for themselves'],
];
/** Limits of rows or bytes of the answer, and similar ones. */
const TOO_MUCH: ReadonlySet<number> = new Set([158, 161, 167, 168, 191, 223, 290, 306, 307, 396]);
/** A parameter is missing, or its value has the wrong type. */
const PARAMETER: ReadonlySet<number> = new Set([456, 457]);
const REFUSED: ReadonlySet<number> = new Set([164, 497]);
/** The engine cancels a query whose connection was closed, and all queries when it stops. */
const CANCELLED = 394;
/**
 * Codes that normally mean an unavailable store, but that a query can cause too: file(), unknown names, a failed
 * allocation.
 */
const OF_THE_QUERY: ReadonlySet<number> = new Set([16, 107, 1000, 1001, 1002]);

/**
 * Converts a failure of the engine to an error for the caller. `own`: the texts that the caller sent, see {@link
 * scrub}.
 */
export function engineFailure(error: unknown, own: readonly string[]): unknown {
  if (!(error instanceof ClickHouseError)) return error;
  const { exceptionCode: code } = error;
  const because = { cause: error };
  if (code === TIMEOUT_EXCEEDED) return timedOut(because);
  if (code === TOO_MANY_QUERIES) {
    return new QueryError('at_capacity', 'the engine has reached its limit of concurrent queries', because);
  }
  if (code === MEMORY_LIMIT_EXCEEDED) {
    return new QueryError('query_too_large', 'the query exceeds its memory limit', because);
  }
  if (
    code === CANCELLED ||
    code === undefined ||
    (error.retryable && !REFUSED.has(code) && !OF_THE_QUERY.has(code))
  ) {
    return new QueryError('engine_unavailable', 'the engine does not answer now', because);
  }
  const text = error.detail ?? error.message;
  if (error.code === 'bad_data' || code === CANNOT_COMPILE_REGEXP) return unfit(error, text, own);
  const detail = scrub(text, own);
  const known = hintOfError(text.replace(ENGINE_NAMES, ''), own.join('\n'));
  const hinted = { hint: known, cause: error };
  if (TOO_MUCH.has(code)) return new QueryError('query_too_large', detail, because);
  if (REFUSED.has(code)) {
    const hint = 'a query may read the tables events, persons and sessions';
    const details = { rule: 'rights', hint, cause: error };
    return new QueryError('sql_not_allowed', 'the query accesses data that it may not read', details);
  }
  if (PARAMETER.has(code)) {
    const hint = 'send a value of its type for each parameter in params';
    return new QueryError('sql_invalid', detail, { hint, cause: error });
  }
  if (code === ILLEGAL_PREWHERE)
    return new QueryError('query_failed', 'the tables do not support PREWHERE', hinted);
  const where = TYPES_DIFFER.has(code) ? place(text, own) : '';
  return new QueryError(code === SYNTAX_ERROR ? 'sql_invalid' : 'query_failed', detail + where, hinted);
}

/**
 * An error about a value of the wrong form. The engine quotes the value, in different ways for each error; the message
 * repeats it only if the caller wrote it.
 */
function unfit(error: ClickHouseError, text: string, own: readonly string[]): QueryError {
  const name = error.codeName ?? 'INCORRECT_DATA';
  const what = name.toLowerCase().replaceAll('_', ' ');
  const value = /(?:string|converting) '((?:[^'\\]|\\.)*)' (?:as|to)(?: type)? ([A-Z]\w*)/.exec(text);
  const [, given = '', type = ''] = value ?? [];
  const isOwn = given !== '' && own.some((one) => one.includes(given));
  const which = isOwn ? `: '${given}' is no ${type}` : '';
  const hint =
    isOwn && type.startsWith('Date') ? timeHint(given) : UNFIT_HINTS.find(([codes]) => codes.test(name))?.[1];
  return new QueryError(
    'query_failed',
    `a value does not fit what is done with it (${what})${which}${place(text, own)}`,
    { hint, cause: error },
  );
}

function timeHint(text: string): string {
  return RFC_3339.test(text) ? `write parseDateTimeBestEffort('${text}'); ${TIMES}` : TIMES;
}

function place(text: string, own: readonly string[]): string {
  const expression = failedExpression(text, own);
  return expression === undefined ? '' : `, in ${expression}`;
}

/** The error after the time limit. */
export function timedOut(options?: { readonly cause?: unknown }): QueryError {
  return new QueryError('query_timeout', 'the query took too long', options);
}
