/** What went wrong with projects or credentials, as a stable word. */
export type AccountsErrorCode =
  /** A credential is not cached and cannot be looked up: it may be valid. */
  | 'token_store_down'
  /** An argument that no retry will make right. */
  | 'invalid_request'
  /** The id or credential is taken. */
  | 'conflict';

const STATUS: Record<AccountsErrorCode, number> = {
  token_store_down: 500,
  invalid_request: 400,
  conflict: 409,
};

/** The one error of this package's boundary. Errors of the store itself travel as they are. */
export class AccountsError extends Error {
  override readonly name = 'AccountsError';
  readonly code: AccountsErrorCode;
  /** The HTTP status that tells a caller the same. */
  readonly status: number;
  /** Whether the same call may succeed later without anybody's help. */
  readonly retryable: boolean;

  constructor(code: AccountsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.status = STATUS[code];
    this.retryable = code === 'token_store_down';
  }
}
