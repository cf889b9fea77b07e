/**
 * What went wrong between two processes of one machine:
 *
 * - `in_use`: somebody listens at the path. `not_running`: nobody does. `busy`: somebody does, but takes no more
 *   connections now.
 * - `path_too_long`: no socket can have this path. `not_a_socket`: a file of another kind is there; it was left alone.
 * - `unsafe_directory`: others can enter the socket's directory, or it is not ours.
 * - `failed`: the system says something else; `cause` is its error.
 */
export type TransportErrorCode =
  | 'in_use'
  | 'not_running'
  | 'busy'
  | 'path_too_long'
  | 'not_a_socket'
  | 'unsafe_directory'
  | 'failed';

/** Listening or connecting failed. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  /** Whether the same call may succeed a little later. */
  readonly retryable: boolean;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'not_running' || code === 'busy';
  }
}
