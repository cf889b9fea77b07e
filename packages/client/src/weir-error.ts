import { WeirError as BaseError, type ErrorFacts, type TextPosition } from '@weir/base';

/** The members of a problem document (RFC 9457) or an `error` frame besides its code and detail. */
export interface WeirErrorDetails {
  /** HTTP status; 0 where no answer came, or a frame refused. */
  readonly status?: number;
  /** What to do next. */
  readonly hint?: string | undefined;
  /** How long to wait before the same again, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  /** The other members of the document, such as `limit`, `rule`, `position`, `oldest`, `missed` and `errors`. */
  readonly facts?: ErrorFacts | undefined;
}

/**
 * What a server refused, or why none answered.
 *
 * Codes of this package besides the server's: `unreachable` (no answer for longer than the client's patience),
 * `interrupted` (an answer broke off), `unexpected_answer`, `closed` (the client, channel or worker was closed here),
 * `buffer_full` (too many messages wait to be sent), `cancelled` (a signal of the caller's).
 */
export class WeirError extends BaseError {
  // A bundler may shorten the name of the class.
  override readonly name = 'WeirError';
  /** The server's name of the request, for its log. */
  readonly requestId: string | undefined;

  constructor(code: string, message: string, details: WeirErrorDetails = {}, options?: ErrorOptions) {
    const { status = 0, hint, retryAfterMs, requestId, facts } = details;
    // A server that names a wait expects the next try to succeed; frames have no status.
    const retryable =
      retryAfterMs !== undefined || RETRYABLE_CODES.has(code) || RETRYABLE_STATUSES.has(status);
    super(code, message, { ...facts, status, hint, retryAfterMs, retryable, cause: options?.cause });
    this.requestId = requestId;
  }

  /** With `cursor_expired`: where reading can go on, a cursor of the feed or an index of a channel. */
  get oldest(): string | number | undefined {
    return this.facts.oldest;
  }

  /** With `cursor_expired`: how many items are lost. */
  get missed(): number | undefined {
    return this.facts.missed;
  }
}

const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'unreachable',
  'interrupted',
  'rate_limited',
  'at_capacity',
  'draining',
  'token_store_down',
  'store_unavailable',
]);
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * The error that a problem document or an `error` frame is.
 *
 * @param retryAfterMs of the header `Retry-After`; the document's own milliseconds take precedence
 * @param requestId of the header `X-Request-Id`
 */
export function errorOfDocument(
  given: unknown,
  status: number,
  retryAfterMs?: number,
  requestId?: string,
): WeirError {
  const document: Readonly<Record<string, unknown>> =
    typeof given === 'object' && given !== null ? { ...given } : {};
  const { code, detail, hint, request_id, retry_after_ms, retry_after_s } = document;
  const seconds = typeof retry_after_s === 'number' ? retry_after_s * 1000 : undefined;
  return new WeirError(
    typeof code === 'string' ? code : `http_${status}`,
    typeof detail === 'string' ? detail : `the server answered ${status || String(code)}`,
    {
      status,
      hint: typeof hint === 'string' ? hint : undefined,
      requestId: typeof request_id === 'string' ? request_id : requestId,
      retryAfterMs: typeof retry_after_ms === 'number' ? retry_after_ms : (retryAfterMs ?? seconds),
      facts: factsOf(document),
    },
  );
}

/** Members that are not of a document's fixed part, each only if it has its type. */
function factsOf(document: Readonly<Record<string, unknown>>): ErrorFacts {
  const { oldest, missed, limit, rule, identifier, position, errors, cursor } = document;
  return {
    ...(typeof oldest === 'string' || typeof oldest === 'number' ? { oldest } : {}),
    ...(typeof missed === 'number' ? { missed } : {}),
    ...(typeof limit === 'number' ? { limit } : {}),
    ...(typeof rule === 'string' ? { rule } : {}),
    ...(typeof identifier === 'string' ? { identifier } : {}),
    ...(typeof cursor === 'number' ? { cursor } : {}),
    ...(Array.isArray(errors) ? { errors } : {}),
    // The cast holds: the server has one form of a position.
    ...(typeof position === 'object' && position !== null ? { position: position as TextPosition } : {}),
  };
}
