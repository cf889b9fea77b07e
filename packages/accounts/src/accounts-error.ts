import { errorClass } from '@weir/base';

/**
 * The error class of this package; errors of the store pass unchanged.
 *
 * - `token_store_down`: a credential is neither cached nor can it be looked up, so it may be valid.
 * - `invalid_request`: an invalid argument; a retry does not help.
 * - `conflict`: the id or credential is in use.
 */
export class AccountsError extends errorClass({
  token_store_down: { status: 500, retryable: true },
  invalid_request: { status: 400 },
  conflict: { status: 409 },
}) {}
