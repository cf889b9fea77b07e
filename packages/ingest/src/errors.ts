import { errorClass } from '@weir/base';

/**
 * A refusal of the write path; what the log throws (`log_full`, `project_quota`, `draining`) travels as it is.
 *
 * - `invalid_encoding`: not UTF-8. `invalid_json`, `invalid_envelope`: the body, or what is around its events, cannot be read.
 * - `batch_too_large`: more events or bytes than a batch may have.
 * - `ingest_disabled`: the operator switched ingest off. `ingest_down`: no store takes events.
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
    hint: 'send the same events again after the seconds of Retry-After',
  },
  draining: { status: 503, retryAfterMs: 2_000 },
  receipt_unknown: { status: 404 },
  receipt_expired: { status: 410 },
}) {}

/**
 * The refusal of events beyond what the buffer holds.
 * @param limit events or bytes, whichever was exceeded
 */
export function bufferFull(what: string, limit: number): IngestError {
  return new IngestError('ingest_full', `the ingest buffer is full: it holds at most ${limit} ${what}`, {
    limit,
  });
}

/** The error for more events than a batch may hold. */
export function tooMany(maxEvents: number): IngestError {
  return new IngestError('batch_too_large', `a batch holds at most ${maxEvents} events`, {
    limit: maxEvents,
  });
}
