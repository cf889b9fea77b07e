import { type ErrorFacts, errorClass } from '@weir/base';

/** Additional members of a {@link LogError}. */
export interface LogErrorFacts extends ErrorFacts {
  /** With `cursor_expired`: offset of the oldest retained entry. */
  readonly oldest?: number | undefined;
  /** With `cursor_expired` from a group: number of entries that the group will never receive. */
  readonly missed?: number | undefined;
}

/**
 * Errors of the log:
 *
 * - `log_full`: `maxBytes` is reached or the disk is full; nothing was stored. Appends work again once space is free.
 * - `project_quota`: the owner of the stream exceeds its share while the log is nearly full.
 * - `draining`: the log is closed.
 * - `store_unavailable`: the storage failed (an I/O error other than a full disk); the log rejects writes until it is
 *   reopened.
 * - `locked`: another process uses the directory. `directory_unsafe`: other users can write to it.
 * - `epoch_mismatch`: the cursor belongs to a lost log. `cursor_invalid`: the text is not a cursor.
 * - `cursor_expired`: entries after the cursor were trimmed; `oldest` is the offset of the first retained entry.
 * - `too_many_unacknowledged`: a group member has reached its limit of unacknowledged entries.
 * - `invalid_request`: the id of a delivery or dead entry is malformed.
 * - `invalid_stream`: the name of a stream, reader or group is empty or too long. `entry_too_large`: an append exceeds
 *   its limit.
 *
 * Codes about cursors have no HTTP status: a package that accepts cursors from clients translates them, because offsets
 * are internal.
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
  // Not retryable, because in this process the same call fails again. A client may reach another or restarted server.
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
    hint: 'ack or nack the deliveries of this member, or pull as another member',
  },
  invalid_request: { status: 400, hint: 'send ids as they were given' },
  invalid_stream: {},
  entry_too_large: {},
}) {
  declare readonly facts: LogErrorFacts;
}

/** Code of a {@link LogError}. */
export type LogErrorCode = LogError['code'];
