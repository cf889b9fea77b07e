import { WeirError } from '@weir/base';

/**
 * Category of a failure, which determines the exit code: `failed` (1), the upstream or a sink refused; `usage` (2), the
 * request is invalid; `auth` (3), no valid credential, or one without the scope; `network` (4), no answer; `internal`
 * (5), a fault of Weir.
 */
export type ConsumeErrorKind = 'failed' | 'usage' | 'auth' | 'network' | 'internal';

/** Further members of a {@link ConsumeError}. */
export interface ConsumeErrorDetails {
  /** The next step, as a sentence. */
  readonly hint?: string | undefined;
  /** The invalid param or option. */
  readonly param?: string | undefined;
  readonly cause?: unknown;
}

/** Why a consumer did not start, or ended early. If the server answered, the code is the server's. */
export class ConsumeError extends WeirError {
  readonly kind: ConsumeErrorKind;
  readonly param: string | undefined;

  constructor(kind: ConsumeErrorKind, code: string, message: string, details: ConsumeErrorDetails = {}) {
    const { param, ...rest } = details;
    super(code, message, rest);
    this.kind = kind;
    this.param = param;
  }

  /** Converts any error; an unexpected error becomes `internal`. */
  static from(error: unknown): ConsumeError {
    if (error instanceof ConsumeError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ConsumeError('internal', 'internal', message, { cause: error });
  }
}
