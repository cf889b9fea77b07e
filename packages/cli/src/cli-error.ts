/**
 * Failure of a command: one line with the fact and the next step, and an exit code by kind.
 *
 * | exit | kind | when |
 * |---|---|---|
 * | 0 | | success |
 * | 1 | failed | the server refused, or part of the work failed |
 * | 2 | usage | invalid arguments, or a missing prerequisite |
 * | 3 | auth | no valid credential, or one without the scope |
 * | 4 | network | no answer |
 * | 5 | internal | a fault of the command itself |
 * | 6 | pending | the awaited event has not happened yet |
 */
import { WeirError } from '@weir/base/error';

/** Category of a failure. */
export type ErrorKind = 'failed' | 'usage' | 'auth' | 'network' | 'internal' | 'pending';

export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  failed: 1,
  usage: 2,
  auth: 3,
  network: 4,
  internal: 5,
  pending: 6,
};

/** Further members of a {@link CliError}. */
export interface CliErrorDetails {
  /** The next step, as a sentence. */
  readonly hint?: string | undefined;
  /** Further lines, if one failure has several causes. */
  readonly reasons?: readonly string[];
  /** HTTP status of the response; 0 if there is none. */
  readonly status?: number;
  /** The server's id of the request. */
  readonly requestId?: string | undefined;
  /** True if the same request may succeed later. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  /** True if the command has already reported the error in its own format. */
  readonly isReported?: boolean;
  readonly cause?: unknown;
}

/** The error class of this package. If the server answered, the code is the server's. */
export class CliError extends WeirError {
  readonly kind: ErrorKind;
  readonly reasons: readonly string[];
  readonly requestId: string | undefined;
  readonly isReported: boolean;

  constructor(kind: ErrorKind, code: string, message: string, details: CliErrorDetails = {}) {
    const { reasons = [], requestId, isReported = false, ...rest } = details;
    super(code, message, { retryable: false, ...rest });
    this.kind = kind;
    this.reasons = reasons;
    this.requestId = requestId;
    this.isReported = isReported;
  }

  /** Converts any error; an unexpected error becomes `internal`. */
  static from(error: unknown): CliError {
    if (error instanceof CliError) return error;
    const message = error instanceof Error ? error.message : String(error);
    const hint = 'Run it again with --debug to see where';
    return new CliError('internal', 'internal', message, { hint, cause: error });
  }
}

/** An invalid call of the command. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('usage', 'usage', message, { hint });
}
