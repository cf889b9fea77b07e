import { errorClass } from '@weir/base';

/**
 * The one error of this package; errors of the store itself travel as they are.
 *
 * - `token_store_down`: a credential is not cached and cannot be looked up: it may be valid.
 * - `invalid_request`: an argument that no retry can make right.
 * - `conflict`: the id or credential is taken.
 */
export class AccountsError extends errorClass({
  token_store_down: { status: 500, retryable: true },
  invalid_request: { status: 400 },
  conflict: { status: 409 },
}) {}
