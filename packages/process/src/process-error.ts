/**
 * What went wrong with a process:
 *
 * - `process_not_found`: the project has no such process.
 * - `forbidden`: the caller is neither submitter, executor nor observer, or may not do this.
 * - `stale_attempt`: the caller's assignment is over; somebody else has the process, or nobody.
 * - `invalid_state`: the process is past what was asked for.
 * - `idempotency_conflict`: its key was given with another process before.
 * - `body_too_large`, `too_many_observers`: over a limit, which the error has in bytes or by number.
 */
export type ProcessErrorCode =
  | 'process_not_found'
  | 'forbidden'
  | 'stale_attempt'
  | 'invalid_state'
  | 'idempotency_conflict'
  | 'body_too_large'
  | 'too_many_observers';

/** The HTTP status that fits a code, and what its receiver does next. */
const CODES: Readonly<Record<ProcessErrorCode, { readonly status: number; readonly hint: string }>> = {
  process_not_found: { status: 404, hint: 'check the id, and that the API key is of the same project' },
  forbidden: {
    status: 403,
    hint: 'use the credential that submitted, or send the assignment with the credential that got it',
  },
  stale_attempt: { status: 409, hint: 'stop working on this process and ask for another' },
  invalid_state: { status: 409, hint: 'ask for the process to see where it stands' },
  idempotency_conflict: { status: 409, hint: 'use a new idempotency_key for another process' },
  body_too_large: { status: 413, hint: 'keep what is large elsewhere, or send it on a channel' },
  too_many_observers: { status: 422, hint: 'remove some first' },
};

/** The one error of this package beside `ChannelError` for channels; what PostgreSQL throws travels as it is. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code: ProcessErrorCode;
  /** The HTTP status that fits. */
  readonly status: number;
  /** Never: the same call fails again. */
  readonly retryable = false;
  /** What to do next. */
  readonly hint: string;
  /** The limit that was passed, in the unit the message says. */
  readonly limit: number | undefined;

  constructor(
    code: ProcessErrorCode,
    message: string,
    details: { readonly hint?: string; readonly limit?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.status = CODES[code].status;
    this.hint = details.hint ?? CODES[code].hint;
    this.limit = details.limit;
  }
}
