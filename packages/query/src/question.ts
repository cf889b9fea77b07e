import type { ParameterValue } from '@weir/clickhouse';
import type { MeterOptions } from './engine-meter.js';

/** A query of a caller. */
export interface Question {
  /** One SELECT, DESCRIBE or EXPLAIN SYNTAX, in ClickHouse's SQL. */
  readonly sql: string;
  /** Values of the text's `{name:Type}` placeholders. Default none. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
}

/** Options of a streamed answer. */
export interface StreamOptions extends MeterOptions {
  /** Aborts when the client has disconnected: the engine's query is stopped. */
  readonly signal?: AbortSignal;
}

/** Options of a complete answer. */
export interface AskOptions extends StreamOptions {
  /** Maximum rows, below the limit of the installation. */
  readonly maxRows?: number;
  /** Maximum bytes of rows, below the limit of the installation. */
  readonly maxBytes?: number;
}

/** A column of an answer. */
export interface AnswerColumn {
  readonly name: string;
  /** ClickHouse's type. */
  readonly type: string;
}

/** Options of `newest`. */
export interface NewestOptions extends StreamOptions {
  /** Only events of this name. Default all. */
  readonly event?: string;
  /** Maximum events: default 20, at most 100. */
  readonly limit?: number;
}

/**
 * The cost of an answer. Figures that the engine did not report, or that would include other projects' rows (projects
 * share blocks of rows), are null.
 */
export interface AnswerStats {
  /** Rows in the answer. */
  readonly rows: number;
  readonly elapsed_ms: number;
  readonly rows_read: number | null;
  readonly bytes_read: number | null;
  /**
   * Peak, rounded up to a multiple of 16 MiB; null for queries of less than 5 ms, which the embedded engine does not
   * measure.
   */
  readonly memory_bytes: number | null;
}

/** A complete answer, in its JSON form. */
export interface Answer {
  readonly columns: readonly AnswerColumn[];
  /** 64-bit and wider integers and decimals are strings, NaN and infinities null, times RFC 3339 in UTC. */
  readonly rows: readonly (readonly unknown[])[];
  readonly stats: AnswerStats;
  /** Whether the answer was cut off at a limit. */
  readonly truncated: boolean;
}

/** Formats that stream. */
export const STREAM_FORMATS = ['ndjson', 'csv', 'parquet', 'arrow'] as const;

/** A format that streams. */
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** An answer after its first block has succeeded. */
export interface StreamedAnswer {
  readonly contentType: string;
  /** Iterate once. Later failures are thrown, so a failed answer never looks complete. */
  readonly bytes: AsyncIterable<Uint8Array>;
}
