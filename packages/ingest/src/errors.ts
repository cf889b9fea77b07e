/** Codes of the write path's refusals, as they stand in the problem document's `code`. */
export type IngestErrorCode =
  | 'invalid_encoding'
  | 'invalid_json'
  | 'invalid_envelope'
  | 'batch_too_large'
  | 'ingest_disabled'
  | 'ingest_down'
  | 'ingest_full'
  | 'log_full'
  | 'project_quota'
  | 'draining'
  | 'receipt_unknown'
  | 'receipt_expired'
  | 'store_unavailable';

const FORMS: Record<IngestErrorCode, { status: number; retryAfterSeconds?: number }> = {
  invalid_encoding: { status: 400 },
  invalid_json: { status: 400 },
  invalid_envelope: { status: 400 },
  batch_too_large: { status: 413 },
  ingest_disabled: { status: 503, retryAfterSeconds: 300 },
  ingest_down: { status: 503, retryAfterSeconds: 5 },
  ingest_full: { status: 503, retryAfterSeconds: 1 },
  log_full: { status: 503, retryAfterSeconds: 5 },
  project_quota: { status: 503, retryAfterSeconds: 5 },
  draining: { status: 503, retryAfterSeconds: 2 },
  receipt_unknown: { status: 404 },
  receipt_expired: { status: 410 },
  store_unavailable: { status: 503, retryAfterSeconds: 1 },
};

/** What an {@link IngestError} may carry. */
export interface IngestErrorOptions extends ErrorOptions {
  readonly limit?: number;
  readonly hint?: string;
}

/** A refusal of the write path, with what an HTTP surface needs to answer it. */
export class IngestError extends Error {
  override readonly name: string = 'IngestError';
  readonly code: IngestErrorCode;
  /** HTTP status. */
  readonly status: number;
  /** Seconds for Retry-After, where waiting helps. */
  readonly retryAfterSeconds: number | undefined;
  /** The bound that was passed. */
  readonly limit: number | undefined;
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(code: IngestErrorCode, message: string, options: IngestErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.limit = options.limit;
    this.hint = options.hint;
    this.status = FORMS[code].status;
    this.retryAfterSeconds = FORMS[code].retryAfterSeconds;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.retryAfterSeconds !== undefined;
  }
}

/** Submit refused: accepting would pass the ceiling of events or bytes not yet flushed. */
export class BufferFullError extends IngestError {
  override readonly name = 'BufferFullError';
  /** @param limit events or bytes that the buffer holds, whichever was passed */
  constructor(what: string, limit: number) {
    super('ingest_full', `the ingest buffer is full: it holds at most ${limit} ${what}`, {
      limit,
      hint: 'send the same events again after the seconds of Retry-After',
    });
  }
}

/** The error for more events than a batch may hold. */
export function tooMany(maxEvents: number): IngestError {
  return new IngestError('batch_too_large', `a batch holds at most ${maxEvents} events`, {
    limit: maxEvents,
    hint: 'send several smaller batches',
  });
}
