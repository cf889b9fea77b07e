import { type ErrorFacts, errorClass } from '@weir/base';

/** Facts of a {@link ChannelError}. */
export interface ChannelErrorFacts extends ErrorFacts {
  /** With `cursor_expired`: the index of the oldest entry kept. */
  readonly oldest?: number | undefined;
}

/**
 * The error class of this package; errors of the log (`log_full`, `draining`, `store_unavailable`) pass unchanged.
 *
 * - `channel_not_found`: the channel does not exist. `channel_gone`: its process was cleaned up. `log_lost`: the log
 *   that
 *   contained the channel no longer exists. `channel_exists`: the name is in use.
 * - `forbidden`: the caller is neither submitter, executor nor observer, or may not write to this channel.
 *   `stale_attempt`: the caller's assignment has ended.
 * - `invalid_channel`, `invalid_message`, `invalid_in_reply_to`: the name, the message or the index it replies to is
 *   invalid.
 * - `message_too_large`, `channel_full`, `too_many_channels`: a limit is exceeded; the error carries it as `limit`.
 * - `rate_limited`: the sender exceeds its rate. `at_capacity`: the queue of appends is full. Both carry
 *   `retryAfterMs`.
 * - `earlier_refused`: an earlier message of the pipeline was refused temporarily and has not been sent again.
 * - `sequence_conflict`: the sequence is stored with other content. `sequence_out_of_order`: a later sequence is
 *   stored,
 *   and this one is not, or was trimmed. `sender_ended`: the sender sent `end`. `channel_closed`: the process is closed.
 * - `invalid_cursor`: an index or a limit is not a whole number.
 * - `cursor_expired`: entries after the cursor were trimmed; `oldest` is the first retained one.
 * - `subscriber_too_slow`: the subscription ended; resume after `cursor`. `draining`: the router closes; resume after
 *   `cursor`.
 */
export class ChannelError extends errorClass({
  channel_not_found: { status: 404, hint: 'check the process and the name of the channel' },
  channel_gone: { status: 410, hint: 'read a channel before its retention after the close ends' },
  log_lost: { status: 410, hint: 'submit the process again: its messages cannot be brought back' },
  channel_exists: { status: 409, hint: 'use the channel there is, or another name' },
  forbidden: {
    status: 403,
    hint: 'use the credential that submitted, or the assignment of the executor; observers only read',
  },
  stale_attempt: { status: 409, hint: 'stop work on this process, and request another' },
  invalid_channel: {
    status: 400,
    hint: 'a name has 1 to 64 of A-Z a-z 0-9 . _ -, and is not . or ..; a process id 1 to 128 of A-Z a-z 0-9 . : -',
  },
  invalid_cursor: { status: 400, hint: 'give the index of a message, or 0 for the start' },
  invalid_message: { status: 400, hint: 'correct the message; nothing was stored' },
  invalid_in_reply_to: { status: 400, hint: 'name the index of a message you have read from this channel' },
  message_too_large: { status: 413, hint: 'split the content into several messages' },
  channel_full: { status: 409, hint: 'use another channel, or create channels with retention "trim"' },
  too_many_channels: { status: 422, hint: 'use fewer channels: one carries both directions' },
  rate_limited: { status: 429, retryable: true, hint: 'wait, then send the same sequence again' },
  at_capacity: {
    status: 429,
    retryAfterMs: 1_000,
    hint: 'wait, then send the same sequence again, with fewer in flight',
  },
  earlier_refused: { status: 409, retryable: true, hint: 'send the refused message again, then this one' },
  sequence_conflict: { status: 409, hint: 'give each message its own sequence' },
  sequence_out_of_order: { status: 409, hint: 'send with a sequence above the last one stored' },
  sender_ended: { status: 409, hint: 'send nothing after the end' },
  channel_closed: { status: 409, hint: 'send nothing after the process has closed' },
  cursor_expired: {
    status: 410,
    hint: 'continue from the oldest retained entry; earlier entries are lost',
  },
  subscriber_too_slow: {
    status: 429,
    retryable: true,
    hint: 'subscribe again after the cursor, and read faster',
  },
  draining: {
    status: 503,
    retryAfterMs: 2_000,
    hint: 'reconnect in a moment, and resume after the cursor',
  },
}) {
  declare readonly facts: ChannelErrorFacts;
}
