import { WeirError as BaseError } from '@weir/base';

/** What a server's problem document (RFC 9457) or `error` frame says beside its code and detail. */
export interface WeirErrorDetails {
  /** HTTP status; 0 where no answer came, or a frame refused. */
  readonly status?: number;
  /** What to do next. */
  readonly hint?: string | undefined;
  /** How long to wait before the same again, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** With `cursor_expired`: the index of the oldest message kept. */
  readonly oldest?: number | undefined;
  readonly requestId?: string | undefined;
}

/**
 * What a server refused, or why none answered.
 *
 * Codes of this package besides the server's: `unreachable` (no answer for longer than the client's patience),
 * `unexpected_answer`, `closed` (the client, channel or worker was closed here), `buffer_full` (too many messages wait to be sent),
 * `cancelled` (a signal of the caller's).
 */
export class WeirError extends BaseError {
  // A bundler may shorten the name of the class.
  override readonly name = 'WeirError';
  readonly oldest: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: string, message: string, details: WeirErrorDetails = {}, options?: ErrorOptions) {
    const { status = 0, hint, retryAfterMs, oldest, requestId } = details;
    // A server that says how long to wait means that it helps; frames have no status.
    const retryable =
      retryAfterMs !== undefined || RETRYABLE_CODES.has(code) || RETRYABLE_STATUSES.has(status);
    super(code, message, { status, hint, retryAfterMs, retryable, cause: options?.cause });
    this.oldest = oldest;
    this.requestId = requestId;
  }
}

const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'unreachable',
  'rate_limited',
  'at_capacity',
  'draining',
  'token_store_down',
  'store_unavailable',
]);
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** The error a problem document is, or an `error` frame. */
export function errorOfDocument(given: unknown, status: number, retryAfterMs?: number): WeirError {
  const document: Readonly<Record<string, unknown>> =
    typeof given === 'object' && given !== null ? { ...given } : {};
  const { code, detail, hint, request_id, oldest, retry_after_ms, retry_after_s } = document;
  const seconds = typeof retry_after_s === 'number' ? retry_after_s * 1000 : undefined;
  return new WeirError(
    typeof code === 'string' ? code : `http_${status}`,
    typeof detail === 'string' ? detail : `the server answered ${status}`,
    {
      status,
      hint: typeof hint === 'string' ? hint : undefined,
      requestId: typeof request_id === 'string' ? request_id : undefined,
      oldest: typeof oldest === 'number' ? oldest : undefined,
      retryAfterMs: typeof retry_after_ms === 'number' ? retry_after_ms : (retryAfterMs ?? seconds),
    },
  );
}
