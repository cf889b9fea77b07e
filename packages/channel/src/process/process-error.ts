import { errorClass } from '@weir/base';

/**
 * The one error of this package besides `ChannelError` for channels; what PostgreSQL throws travels as it is.
 *
 * - `process_not_found`: the project has no such process.
 * - `forbidden`: the caller is neither submitter, executor nor observer, or may not do this.
 * - `stale_attempt`: the caller's assignment is over; somebody else has the process, or nobody.
 * - `invalid_state`: the process is past what was asked for.
 * - `idempotency_conflict`: its key was given with another process before.
 * - `body_too_large`, `too_many_observers`: over a limit, which the error has in bytes or by number.
 */
export class ProcessError extends errorClass({
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
}) {}
