import { errorClass } from '@weir/base';

/**
 * Listening or connecting failed, between two processes of one machine:
 *
 * - `in_use`: somebody listens at the path. `not_running`: nobody does. `busy`: somebody does, but takes no more
 *   connections now.
 * - `path_too_long`: no socket can have this path. `not_a_socket`: a file of another kind is there; it was left alone.
 * - `unsafe_directory`: others can enter the socket's directory, or it is not ours.
 * - `failed`: the system says something else; `cause` is its error.
 */
export class TransportError extends errorClass({
  in_use: {},
  not_running: { retryable: true },
  busy: { retryable: true },
  path_too_long: {},
  not_a_socket: {},
  unsafe_directory: {},
  failed: {},
}) {}

/** A code of a {@link TransportError}. */
export type TransportErrorCode = TransportError['code'];
