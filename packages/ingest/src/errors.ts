import { errorClass } from '@weir/base';

/**
 * An error of the write path; errors of the log (`log_full`, `project_quota`, `draining`) pass unchanged.
 *
 * - `invalid_encoding`: not UTF-8. `invalid_json`, `invalid_envelope`: the body, or the text around its events, is
 *   invalid.
 * - `batch_too_large`: more events or bytes than the limit of a batch.
 * - `ingest_disabled`: the operator disabled ingest. `ingest_down`: no store accepts events.
 * - `ingest_full`: accepting would exceed the limit of events or bytes that are not flushed yet.
 * - `draining`: the node starts or stops.
 * - `receipt_unknown`, `receipt_expired`: the project has no such receipt, or it is too old.
 */
export class IngestError extends errorClass({
  invalid_encoding: { status: 400 },
  invalid_json: { status: 400 },
  invalid_envelope: { status: 400 },
  batch_too_large: { status: 413, hint: 'send several smaller batches' },
  ingest_disabled: { status: 503, retryAfterMs: 300_000 },
  ingest_down: { status: 503, retryAfterMs: 5_000 },
  ingest_full: {
    status: 503,
    retryAfterMs: 1_000,
    hint: 'send the same events again after the Retry-After seconds',
  },
  draining: { status: 503, retryAfterMs: 2_000 },
  receipt_unknown: { status: 404 },
  receipt_expired: { status: 410 },
}) {}

/**
 * The error if events exceed the buffer.
 * @param limit events or bytes, whichever was exceeded
 */
export function bufferFull(what: string, limit: number): IngestError {
  return new IngestError('ingest_full', `the ingest buffer is full: it holds at most ${limit} ${what}`, {
    limit,
  });
}

/** The error for more events than the limit of a batch. */
export function tooMany(maxEvents: number): IngestError {
  return new IngestError('batch_too_large', `a batch holds at most ${maxEvents} events`, {
    limit: maxEvents,
  });
}
