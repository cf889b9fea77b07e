import { errorClass } from '@weir/base';

/**
 * Why a transport cannot listen or connect:
 *
 * - `in_use`: another process listens at the path. `not_running`: no process listens. `busy`: a process listens, but
 *   its queue of connections is full.
 * - `path_too_long`: the path is longer than the system allows. `not_a_socket`: the path is a file of another kind,
 *   which is left unchanged.
 * - `unsafe_directory`: other users can enter the socket's directory, or another user owns it.
 * - `failed`: any other system error; see `cause`.
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

/** Code of a {@link TransportError}. */
export type TransportErrorCode = TransportError['code'];
