export { type DecodedBatch, decodeBatch } from './body/decode-batch.js';
export { type BodyFormat, type Envelope, readEnvelope } from './body/envelope.js';
export type { Companion } from './companion.js';
export { isRefusal, type Refusal } from './decode.js';
export { type DecodedEvent, decodeEvent } from './decoded-event.js';
export type {
  DeadLetterFilter,
  DeadLetterState,
  DeadLetterSummary,
  DlqAdmin,
  DlqOverview,
} from './dlq-admin.js';
export { IngestEntry } from './entry.js';
export { IngestError } from './errors.js';
export { EVENT_LIMITS, type Event, type ValidationError } from './event.js';
export { Flags } from './flags.js';
export { type Acknowledgement, INGEST_DEFAULTS, type IngestOptions, type OnFatal } from './options.js';
export { Quarantined, type QuarantinedEvent, type Quarantining } from './quarantined.js';
export { RECEIPT_STATES, type ReceiptState, type ReceiptStatus } from './receipts.js';
export { readRow, rowEvent, rowReceivedAt, type StoredEvent } from './rows.js';
export {
  INGEST_STREAM,
  type IngestDependencies,
  IngestService,
  type IngestStatus,
  type Submitted,
} from './service.js';
export { parseRfc3339 } from './timestamp.js';
export { type ValidatedBatch, type ValidEvent, validateBatch } from './validate.js';
