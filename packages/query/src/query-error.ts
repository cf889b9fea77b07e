import type { SqlPosition } from './gate/gate-refusal.js';

/** What is known of a refusal beside its sentence. */
export interface QueryErrorExtras {
  /** Of `sql_not_allowed`: the rule that refuses, such as `table`, `function`, `settings`. */
  readonly rule?: string;
  /** What in the text the rule refuses. */
  readonly identifier?: string;
  readonly position?: SqlPosition;
  /** What to do next. */
  readonly hint?: string;
  /** The bound that was passed. */
  readonly limit?: number;
  /** When to try again, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** Every way a question can fail, with the HTTP status that fits. */
export const QUERY_ERROR_STATUS = {
  sql_required: 400,
  sql_invalid: 400,
  sql_not_allowed: 400,
  query_failed: 400,
  query_too_large: 400,
  query_timeout: 408,
  at_capacity: 429,
  client_gone: 499,
  engine_unavailable: 503,
} as const;

/** A stable code of a failed question. */
export type QueryErrorCode = keyof typeof QUERY_ERROR_STATUS;

/** The one error of this package. Its message is for whoever asked; it holds nothing of anyone else's. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: QueryErrorCode;
  readonly status: number;
  /** Whether the same question may be answered later. */
  readonly retryable: boolean;
  readonly extras: QueryErrorExtras;

  constructor(code: QueryErrorCode, message: string, extras: QueryErrorExtras = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = QUERY_ERROR_STATUS[code];
    this.retryable = code === 'at_capacity' || code === 'engine_unavailable';
    this.extras = extras;
  }
}
