import { errorClass } from '@weir/base';

/**
 * The error class of this package. Message and hint address the author of the SQL, a person or a model; they contain no
 * data of another tenant.
 *
 * - `sql_required`, `sql_invalid`: there is no SQL, or the engine cannot parse it. `sql_not_allowed`: a rule of the
 *   gate
 *   rejects it; `rule` and `identifier` name the rule and the rejected item.
 * - `query_failed`: the engine cannot answer it. `query_too_large`: it exceeds a limit of text, memory, rows or bytes.
 * - `query_timeout`: it took too long. `at_capacity`: too many queries run. `client_gone`: the caller disconnected.
 * - `engine_unavailable`: the engine does not answer.
 */
export class QueryError extends errorClass({
  sql_required: { status: 400 },
  sql_invalid: { status: 400 },
  sql_not_allowed: { status: 400 },
  query_failed: { status: 400 },
  query_too_large: { status: 400, hint: 'aggregate, filter by timestamp, select fewer columns or add LIMIT' },
  query_timeout: { status: 408, hint: 'filter by timestamp, or aggregate less at once' },
  at_capacity: {
    status: 429,
    retryAfterMs: 1_000,
    hint: 'retry when a query has ended, or run fewer queries at a time',
  },
  client_gone: { status: 499 },
  engine_unavailable: { status: 503, retryAfterMs: 2_000 },
}) {}

/** A code of a {@link QueryError}. */
export type QueryErrorCode = QueryError['code'];
