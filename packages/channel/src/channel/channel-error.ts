import { type ErrorFacts, errorClass } from '@weir/base';

/** Facts of a {@link ChannelError}. */
export interface ChannelErrorFacts extends ErrorFacts {
  /** With `cursor_expired`: the index of the oldest entry kept. */
  readonly oldest?: number | undefined;
}

/**
 * The one error of this package; what the log throws (`log_full`, `draining`, `store_unavailable`) travels as it is.
 *
 * - `channel_not_found`: there is no such channel. `channel_gone`: there was, and its process was cleaned up.
 *   `log_lost`: the log it was in is no longer there. `channel_exists`: so says the name.
 * - `forbidden`: the caller is neither submitter nor executor nor observer, or may not write here. `stale_attempt`:
 *   the caller's assignment is over; somebody else has the process, or nobody.
 * - `invalid_channel`, `invalid_message`, `invalid_in_reply_to`: a name, a message, or the index it replies to is not one.
 * - `message_too_large`, `channel_full`, `too_many_channels`: over a limit, which the error carries as `limit`.
 * - `rate_limited`: the sender sends too fast. `at_capacity`: too much waits to be stored. Both carry `retryAfterMs`.
 * - `earlier_refused`: in a pipeline, one before it was refused for a while and has not been sent again.
 * - `sequence_conflict`: the sequence is stored with other content. `sequence_out_of_order`: a later one is stored, this
 *   one is not (any more). `sender_ended`: the sender's side has ended. `channel_closed`: the process has.
 * - `invalid_cursor`: an index or a limit is not a whole number.
 * - `cursor_expired`: entries after the cursor have been trimmed; `oldest` is the first one kept.
 * - `subscriber_too_slow`: the subscription ended; `cursor` is where to go on. `draining`: the router closes; `cursor` too.
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
  stale_attempt: { status: 409, hint: 'stop working on this process and ask for another' },
  invalid_channel: {
    status: 400,
    hint: 'a name has 1 to 64 of A-Z a-z 0-9 . _ -, and is not . or ..; a process id 1 to 128 of A-Z a-z 0-9 . : -',
  },
  invalid_cursor: { status: 400, hint: 'give the index of a message, or 0 for the start' },
  invalid_message: { status: 400, hint: 'correct the message; nothing was stored' },
  invalid_in_reply_to: { status: 400, hint: 'name the index of a message you have read from this channel' },
  message_too_large: { status: 413, hint: 'send it in several messages' },
  channel_full: { status: 409, hint: 'use another channel, or make channels with retention "trim"' },
  too_many_channels: { status: 422, hint: 'use fewer channels: one carries both directions' },
  rate_limited: { status: 429, retryable: true, hint: 'wait, then send the same sequence again' },
  at_capacity: {
    status: 429,
    retryAfterMs: 1_000,
    hint: 'wait, then send the same sequence again, with fewer in flight',
  },
  earlier_refused: { status: 409, retryable: true, hint: 'send the refused one again, then this one' },
  sequence_conflict: { status: 409, hint: 'give each message a sequence of its own' },
  sequence_out_of_order: { status: 409, hint: 'send with a sequence above the last one stored' },
  sender_ended: { status: 409, hint: 'send nothing after the end' },
  channel_closed: { status: 409, hint: 'send nothing after the process has closed' },
  cursor_expired: {
    status: 410,
    hint: 'read on from the oldest entry kept; what lies before is lost to you',
  },
  subscriber_too_slow: {
    status: 429,
    retryable: true,
    hint: 'subscribe again after the cursor, and read faster',
  },
  draining: {
    status: 503,
    retryAfterMs: 2_000,
    hint: 'connect again in a moment, and go on where you stood',
  },
}) {
  declare readonly facts: ChannelErrorFacts;
}
