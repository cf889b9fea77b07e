/**
 * What went wrong in the log:
 *
 * - `log_full`: `maxBytes` is reached or the disk is full; nothing was stored. Appends work again once space is back.
 * - `project_quota`: the owner of the stream has more than its share of a log that has little room left.
 * - `log_closed`: the log was closed.
 * - `log_failed`: the storage broke (an I/O error that is not a full disk); the log refuses to write until reopened.
 * - `locked`: another process has the directory. `directory_unsafe`: other users may write to it.
 * - `epoch_mismatch`: the cursor is of a log that was lost. `cursor_invalid`: it is not a cursor at all.
 * - `cursor_expired`: entries after the cursor have been trimmed; `oldest` says what is left.
 * - `too_many_unacknowledged`: a member of a group has all it may have until it acknowledges some.
 * - `invalid_stream`: a name of a stream, reader or group is empty or too long. `entry_too_large`: so says the name.
 */
export type LogErrorCode =
  | 'log_full'
  | 'project_quota'
  | 'log_closed'
  | 'log_failed'
  | 'locked'
  | 'directory_unsafe'
  | 'epoch_mismatch'
  | 'cursor_invalid'
  | 'cursor_expired'
  | 'too_many_unacknowledged'
  | 'invalid_stream'
  | 'entry_too_large';

const STATUS: Readonly<Record<LogErrorCode, number>> = {
  log_full: 503,
  project_quota: 503,
  log_closed: 503,
  log_failed: 503,
  locked: 503,
  directory_unsafe: 500,
  epoch_mismatch: 410,
  cursor_invalid: 400,
  cursor_expired: 410,
  too_many_unacknowledged: 429,
  invalid_stream: 400,
  entry_too_large: 413,
};

const RETRYABLE: ReadonlySet<LogErrorCode> = new Set([
  'log_full',
  'project_quota',
  'locked',
  'too_many_unacknowledged',
]);

/** What a {@link LogError} can carry beside its message. */
export interface LogErrorDetails {
  readonly cause?: unknown;
  readonly oldest?: number;
  readonly missed?: number;
}

/** The one error of this package. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;
  /** The HTTP status that fits. */
  readonly status: number;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** With `cursor_expired`: the offset of the oldest entry kept. */
  readonly oldest: number | undefined;
  /** With `cursor_expired` from a group: how many entries it will never see. */
  readonly missed: number | undefined;

  constructor(code: LogErrorCode, message: string, details: LogErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = STATUS[code];
    this.retryable = RETRYABLE.has(code);
    this.oldest = details.oldest;
    this.missed = details.missed;
  }
}
