import { WeirError } from '@weir/base';

/**
 * What sort of failure ended a consumer, and so its exit code: `failed` (1), the upstream or a sink refused · `usage`
 * (2), what was asked for cannot be · `auth` (3), no valid credential or one without the scope · `network` (4), no
 * answer · `internal` (5), a fault of our own.
 */
export type ConsumeErrorKind = 'failed' | 'usage' | 'auth' | 'network' | 'internal';

/** What is known of a {@link ConsumeError} besides its message. */
export interface ConsumeErrorDetails {
  /** The next step, as a sentence. */
  readonly hint?: string | undefined;
  /** The param or option that is wrong. */
  readonly param?: string | undefined;
  readonly cause?: unknown;
}

/** Why a consumer did not start, or ended before its stop. Its code is the server's own where the server answered. */
export class ConsumeError extends WeirError {
  readonly kind: ConsumeErrorKind;
  readonly param: string | undefined;

  constructor(kind: ConsumeErrorKind, code: string, message: string, details: ConsumeErrorDetails = {}) {
    const { param, ...rest } = details;
    super(code, message, rest);
    this.kind = kind;
    this.param = param;
  }

  /** Any error as one of ours; an unexpected error is `internal`. */
  static from(error: unknown): ConsumeError {
    if (error instanceof ConsumeError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ConsumeError('internal', 'internal', message, { cause: error });
  }
}
