import { errorClass } from '@weir/base';

/**
 * The error class of this package besides `ChannelError`, which reports errors of channels. Errors of PostgreSQL pass
 * unchanged.
 *
 * - `process_not_found`: the project has no such process.
 * - `forbidden`: the caller is neither submitter, executor nor observer, or its role does not permit the call.
 * - `stale_attempt`: the caller's assignment has ended.
 * - `invalid_state`: the state of the process no longer permits the call.
 * - `idempotency_conflict`: the key was used with another process before.
 * - `body_too_large`, `too_many_observers`: a limit is exceeded; the error carries the limit.
 */
export class ProcessError extends errorClass({
  process_not_found: { status: 404, hint: 'check the id, and that the API key belongs to the same project' },
  forbidden: {
    status: 403,
    hint: 'use the credential that submitted the process, or send the assignment with the credential that received it',
  },
  stale_attempt: { status: 409, hint: 'stop work on this process, and request another' },
  invalid_state: { status: 409, hint: 'read the process to see its state' },
  idempotency_conflict: { status: 409, hint: 'use a new idempotency_key for another process' },
  body_too_large: { status: 413, hint: 'store large data elsewhere, or send it over a channel' },
  too_many_observers: { status: 422, hint: 'remove some first' },
}) {}
