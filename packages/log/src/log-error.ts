import { type ErrorFacts, errorClass } from '@weir/base';

/** Facts of a {@link LogError}. */
export interface LogErrorFacts extends ErrorFacts {
  /** With `cursor_expired`: the offset of the oldest entry kept. */
  readonly oldest?: number | undefined;
  /** With `cursor_expired` from a group: how many entries it will never see. */
  readonly missed?: number | undefined;
}

/**
 * The one error of this package:
 *
 * - `log_full`: `maxBytes` is reached or the disk is full; nothing was stored. Appends work again once space is free.
 * - `project_quota`: the owner of the stream has more than its share of a log that has little room left.
 * - `draining`: the log was closed.
 * - `store_unavailable`: the storage broke (an I/O error that is not a full disk); the log refuses to write until reopened.
 * - `locked`: another process has the directory. `directory_unsafe`: other users may write to it.
 * - `epoch_mismatch`: the cursor is of a log that was lost. `cursor_invalid`: it is not a cursor at all.
 * - `cursor_expired`: entries after the cursor have been trimmed; `oldest` is the offset of the first entry kept.
 * - `too_many_unacknowledged`: a member of a group has all it may have until it acknowledges some.
 * - `invalid_request`: the id of a delivery or of a dead entry is not one.
 * - `invalid_stream`: a name of a stream, reader or group is empty or too long. `entry_too_large`: an append exceeds its limit.
 *
 * Codes about cursors have no status: a package that takes cursors from clients translates them, as offsets are its own.
 */
export class LogError extends errorClass({
  log_full: {
    status: 503,
    retryAfterMs: 5_000,
    hint: 'nothing was stored: try again once there is room; the operator can free space or raise the limit of the log',
  },
  project_quota: {
    status: 503,
    retryAfterMs: 5_000,
    hint: 'nothing was stored: try again later, or delete streams of the project and wait for its channels to be cleaned up',
  },
  // In this process the same call fails again; a client may reach another server, or this one after its restart.
  draining: { status: 503, retryAfterMs: 2_000, retryable: false },
  store_unavailable: {
    status: 503,
    retryAfterMs: 2_000,
    retryable: false,
    hint: 'nothing was stored; the operator must start the server again',
  },
  locked: { retryable: true },
  directory_unsafe: {},
  epoch_mismatch: {},
  cursor_invalid: {},
  cursor_expired: {},
  too_many_unacknowledged: {
    status: 429,
    retryAfterMs: 1_000,
    hint: 'ack or nack what this member has, or pull as another member',
  },
  invalid_request: { status: 400, hint: 'send ids as they were given' },
  invalid_stream: {},
  entry_too_large: {},
}) {
  declare readonly facts: LogErrorFacts;
}

/** A code of a {@link LogError}. */
export type LogErrorCode = LogError['code'];
