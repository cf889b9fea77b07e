/**
 * What sort of failure ended a consumer, and so its exit code: `failed` (1), the upstream or a sink refused · `usage`
 * (2), what was asked for cannot be · `auth` (3), no valid credential or one without the scope · `network` (4), no
 * answer · `internal` (5), a fault of our own.
 */
export type ConsumeErrorKind = 'failed' | 'usage' | 'auth' | 'network' | 'internal';

/** What is known of a {@link ConsumeError} besides its message. */
export interface ConsumeErrorDetails {
  /** What to do next, as a sentence. */
  readonly hint?: string;
  /** The param or option that is to blame. */
  readonly param?: string;
}

/** Why a consumer did not start, or ended before it was told to. */
export class ConsumeError extends Error {
  override readonly name = 'ConsumeError';
  readonly kind: ConsumeErrorKind;
  /** Stable, for programs: the server's own code where it answered. */
  readonly code: string;
  readonly details: ConsumeErrorDetails;

  constructor(
    kind: ConsumeErrorKind,
    code: string,
    message: string,
    details: ConsumeErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.details = details;
  }

  /** Any error as one of ours; what nobody foresaw is `internal`. */
  static from(error: unknown): ConsumeError {
    if (error instanceof ConsumeError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ConsumeError('internal', 'internal', message, {}, { cause: error });
  }
}
