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
import { WeirError } from '@weir/base/error';

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
  /** The next step, as a sentence. */
  readonly hint?: string | undefined;
  /** Further lines, where one failure has several reasons. */
  readonly reasons?: readonly string[];
  /** HTTP status of the server's answer; 0 for none. */
  readonly status?: number;
  /** The server's name for the request. */
  readonly requestId?: string | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  /** The command has reported it already, in a form of its own. */
  readonly isReported?: boolean;
  readonly cause?: unknown;
}

/** The one error of this package. Its code is the server's own where the server answered. */
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

  /** Any error as one of ours; an unexpected error is `internal`. */
  static from(error: unknown): CliError {
    if (error instanceof CliError) return error;
    const message = error instanceof Error ? error.message : String(error);
    const hint = 'Run it again with --debug to see where';
    return new CliError('internal', 'internal', message, { hint, cause: error });
  }
}

/** A mistake in how the command was called. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('usage', 'usage', message, { hint });
}
