import type { ParameterValue } from '@weir/clickhouse';
import type { MeterOptions } from './engine-meter.js';

/** What somebody asks. */
export interface Question {
  /** One SELECT, DESCRIBE or EXPLAIN SYNTAX, in ClickHouse's SQL. */
  readonly sql: string;
  /** Values of the text's `{name:Type}` placeholders. Default none. */
  readonly params?: Readonly<Record<string, ParameterValue>>;
}

/** How a stream is asked for. */
export interface StreamOptions extends MeterOptions {
  /** Aborts when nobody waits for the answer any more: the engine's query is stopped. */
  readonly signal?: AbortSignal;
}

/** How an answer in one piece is asked for. */
export interface AskOptions extends StreamOptions {
  /** Fewer rows than the installation allows. */
  readonly maxRows?: number;
  /** Fewer bytes of rows than the installation allows. */
  readonly maxBytes?: number;
}

/** A column of an answer. */
export interface AnswerColumn {
  readonly name: string;
  /** ClickHouse's type. */
  readonly type: string;
}

/** Which of the newest events are asked for. */
export interface NewestOptions extends StreamOptions {
  /** Of this name alone. Default all. */
  readonly event?: string;
  /** At most so many: default 20, at most 100. */
  readonly limit?: number;
}

/**
 * What answering took. Figures the engine did not give, or that would count other projects' rows (a project shares
 * blocks of rows with its neighbours), are null.
 */
export interface AnswerStats {
  /** Rows in the answer. */
  readonly rows: number;
  readonly elapsed_ms: number;
  readonly rows_read: number | null;
  readonly bytes_read: number | null;
  /** Peak, rounded up to whole 16 MiB; null for queries of less than 5 ms, of which the embedded engine does not tell. */
  readonly memory_bytes: number | null;
}

/** A whole answer, as JSON carries it. */
export interface Answer {
  readonly columns: readonly AnswerColumn[];
  /** 64-bit and wider integers and decimals are strings, NaN and infinities null, times RFC 3339 in UTC. */
  readonly rows: readonly (readonly unknown[])[];
  readonly stats: AnswerStats;
  /** Whether there was more than may be given. */
  readonly truncated: boolean;
}

/** Formats that stream. */
export const STREAM_FORMATS = ['ndjson', 'csv', 'parquet', 'arrow'] as const;

/** A format that streams. */
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** An answer that has begun: its first block has succeeded. */
export interface StreamedAnswer {
  readonly contentType: string;
  /** To be read once. A failure after the beginning is thrown, never passed off as an end. */
  readonly bytes: AsyncIterable<Uint8Array>;
}
