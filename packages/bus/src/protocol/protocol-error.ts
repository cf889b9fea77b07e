/**
 * What was wrong with a line or a message:
 *
 * - `line_too_long`: more than `MAX_LINE_BYTES` before its end. `event_too_large`: a payload above `MAX_EVENT_BYTES`.
 * - `not_utf8`, `not_json`: the line's bytes, or its text, are none.
 * - `unknown_type`: this release has no such message. `invalid_message`: it has, and this is not how it looks.
 * - `unfinished_line`: the stream ended inside a line.
 */
export type ProtocolErrorCode =
  | 'line_too_long'
  | 'event_too_large'
  | 'not_utf8'
  | 'not_json'
  | 'unknown_type'
  | 'invalid_message'
  | 'unfinished_line';

/** The other side does not speak the protocol, or another version of it. The connection is of no more use. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  /** Whether another try can help: it cannot, the same bytes would come again. */
  readonly retryable = false;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
