import { errorClass } from '@weir/base';

/**
 * The other side does not speak the protocol, or another version of it. The connection is of no more use, and another try
 * does not help: the same bytes would come again.
 *
 * - `line_too_long`: more than `MAX_LINE_BYTES` before its end. `event_too_large`: a payload above `MAX_EVENT_BYTES`.
 * - `not_utf8`, `not_json`: the line's bytes, or its text, are none.
 * - `unknown_type`: this release has no such message. `invalid_message`: it has, and this is not how it looks.
 * - `unfinished_line`: the stream ended inside a line.
 */
export class ProtocolError extends errorClass({
  line_too_long: {},
  event_too_large: {},
  not_utf8: {},
  not_json: {},
  unknown_type: {},
  invalid_message: {},
  unfinished_line: {},
}) {}

/** A code of a {@link ProtocolError}. */
export type ProtocolErrorCode = ProtocolError['code'];
