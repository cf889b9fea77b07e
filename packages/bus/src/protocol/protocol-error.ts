import { errorClass } from '@weir/base';

/**
 * The peer does not speak the protocol, or speaks another version of it. The connection cannot be used further, and a
 * retry does not help because the peer would send the same bytes.
 *
 * - `line_too_long`: more than `MAX_LINE_BYTES` without a line feed. `event_too_large`: a payload above
 *   `MAX_EVENT_BYTES`.
 * - `not_utf8`, `not_json`: the line is not UTF-8, or not JSON.
 * - `unknown_type`: this release does not know the message type. `invalid_message`: the members do not match the type.
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

/** Code of a {@link ProtocolError}. */
export type ProtocolErrorCode = ProtocolError['code'];
