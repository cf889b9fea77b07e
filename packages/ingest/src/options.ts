import type { UsageSink } from '@weir/extension';

/** When a submit is acknowledged: once the events are durable, or at once (a crash may lose them). */
export type Acknowledgement = 'durable' | 'memory';

/** How new events are handled while ClickHouse and the dead-letter queue both fail. */
export type OnFatal = 'reject' | 'spool';

/** Settings of the write path. Defaults are those of the configuration schema in @weir/server. */
export interface IngestOptions {
  /** Maximum events accepted but neither in ClickHouse nor in dead letters; beyond it submits fail. */
  readonly eventBuffer: number;
  /** The same in bytes of their stored form. */
  readonly eventBufferBytes: number;
  /** Events that start a flush. */
  readonly flushEvents: number;
  /** Bytes that start a flush, and the maximum of one INSERT. */
  readonly flushBytes: number;
  /** Maximum wait of an event for a flush, milliseconds. */
  readonly flushIntervalMs: number;
  /** How long a batch is retried while ClickHouse is unavailable before it becomes dead letters, milliseconds. */
  readonly retryInPlaceMs: number;
  /** How long shutdown waits for the flusher, milliseconds. */
  readonly shutdownGraceMs: number;
  /** Dead letters of one claim. */
  readonly dlqDrainBatchLimit: number;
  readonly ack: Acknowledgement;
  readonly onFatal: OnFatal;
  /** How long an event_id is known, milliseconds after arrival. */
  readonly dedupWindowMs: number;
  /** Maximum known event_ids. */
  readonly dedupMaxIds: number;
  /** Receives each batch that is durable in ClickHouse. */
  readonly usageSink: UsageSink;
  /** Entries of the log after this offset are retained for another reader. Default: there is none. */
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
