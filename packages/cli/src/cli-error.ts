/**
 * How a command fails: one line that says what happened and what to do next, and an exit code by kind.
 *
 * | exit | kind | when |
 * |---|---|---|
 * | 0 | | done |
 * | 1 | failed | the server refused, or not everything went through |
 * | 2 | usage | wrong arguments, or something that must be there first is not |
 * | 3 | auth | no valid credential, or one without the scope |
 * | 4 | network | no answer |
 * | 5 | internal | a fault of the command itself |
 * | 6 | pending | what was waited for did not happen yet |
 */

/** What sort of failure it was. */
export type ErrorKind = 'failed' | 'usage' | 'auth' | 'network' | 'internal' | 'pending';

/** The exit code of each kind. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  failed: 1,
  usage: 2,
  auth: 3,
  network: 4,
  internal: 5,
  pending: 6,
};

/** What is known of a failure besides its message. */
export interface CliErrorDetails {
  /** What to do next, as a sentence. */
  readonly hint?: string;
  /** Further lines, where one failure has several reasons. */
  readonly reasons?: readonly string[];
  /** HTTP status of the server's answer. */
  readonly status?: number;
  /** The server's name for the request. */
  readonly requestId?: string;
  /** Whether the same request may succeed later. */
  readonly retryable?: boolean;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs?: number;
  /** The command has told of it already, in a form of its own. */
  readonly isReported?: boolean;
}

/** The one error of this package. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly kind: ErrorKind;
  /** Stable, for programs: the server's own code where it answered. */
  readonly code: string;
  readonly retryable: boolean;
  readonly details: CliErrorDetails;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    details: CliErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.details = details;
  }

  get status(): number | undefined {
    return this.details.status;
  }

  /** Any error as one of ours; what nobody foresaw is `internal`. */
  static from(error: unknown): CliError {
    if (error instanceof CliError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new CliError(
      'internal',
      'internal',
      message,
      { hint: 'Run it again with --debug to see where' },
      { cause: error },
    );
  }
}

/** A mistake in how the command was called. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('usage', 'usage', message, hint === undefined ? {} : { hint });
}
