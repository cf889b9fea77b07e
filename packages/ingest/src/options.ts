import type { UsageSink } from '@weir/extension';

/** When a submit is answered: once the events are on disk, or at once (they may be lost in a crash). */
export type Acknowledgement = 'durable' | 'memory';

/** What happens to new events while ClickHouse and the dead-letter queue both fail. */
export type OnFatal = 'reject' | 'spool';

/** Settings of the write path. Defaults are those of the configuration schema in @weir/server. */
export interface IngestOptions {
  /** Events accepted but not yet in ClickHouse or among the dead letters; beyond it submits fail. */
  readonly eventBuffer: number;
  /** The same in bytes of their stored form. */
  readonly eventBufferBytes: number;
  /** Events that start a flush. */
  readonly flushEvents: number;
  /** Bytes that start a flush, and the most one INSERT sends. */
  readonly flushBytes: number;
  /** Longest time an event waits for a flush, milliseconds. */
  readonly flushIntervalMs: number;
  /** How long a batch is retried while ClickHouse is unavailable before it becomes dead letters, milliseconds. */
  readonly retryInPlaceMs: number;
  /** How long shutdown waits for the flusher, milliseconds. */
  readonly shutdownGraceMs: number;
  /** Dead letters one claim takes. */
  readonly dlqDrainBatchLimit: number;
  readonly ack: Acknowledgement;
  readonly onFatal: OnFatal;
  /** How long an event_id is remembered, milliseconds by arrival. */
  readonly dedupWindowMs: number;
  /** Most event_ids remembered. */
  readonly dedupMaxIds: number;
  /** Told of each batch durable in ClickHouse. */
  readonly usageSink: UsageSink;
  /** Entries of the log after this offset are kept: somebody else has yet to read them. Default: nobody does. */
  readonly heldAfter?: () => number;
}

/** The defaults of the ingest specification. */
export const INGEST_DEFAULTS = {
  eventBuffer: 50_000,
  eventBufferBytes: 256 * 1024 * 1024,
  flushEvents: 5_000,
  flushBytes: 16 * 1024 * 1024,
  flushIntervalMs: 1_000,
  retryInPlaceMs: 10_000,
  shutdownGraceMs: 10_000,
  dlqDrainBatchLimit: 10,
  ack: 'durable',
  onFatal: 'reject',
  dedupWindowMs: 24 * 3600 * 1000,
  dedupMaxIds: 50_000_000,
} as const satisfies Omit<IngestOptions, 'usageSink' | 'heldAfter'>;
