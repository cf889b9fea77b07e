/** Limits of one query. */
export interface QueryLimits {
  /** Maximum time, milliseconds; then `query_timeout`. */
  readonly executionMs: number;
  /** Maximum rows of a JSON answer; further rows are cut off. */
  readonly resultRows: number;
  /** Maximum bytes of a streamed answer; a JSON answer, which is held in memory, is cut off at a sixteenth of it. */
  readonly resultBytes: number;
  /** Memory in the engine, bytes; then `query_too_large`. */
  readonly memoryBytes: number;
  /** Bytes of the text; then `query_too_large`. */
  readonly textBytes: number;
  /** Concurrent queries of one project, always fewer than `engineQueries`; more wait. */
  readonly concurrency: number;
  /** Waiting queries of one project; then `at_capacity`. */
  readonly queue: number;
  /** Maximum wait, milliseconds; then `at_capacity`. */
  readonly queueWaitMs: number;
  /** Concurrent queries of all projects on the engine. */
  readonly engineQueries: number;
}
