/** What one question may use. */
export interface QueryLimits {
  /** Longest time, in milliseconds; then `query_timeout`. */
  readonly executionMs: number;
  /** Rows of a JSON answer; what is more is cut off. */
  readonly resultRows: number;
  /** Bytes of a streamed answer; a JSON answer, held in memory whole, is cut off at a sixteenth of it. */
  readonly resultBytes: number;
  /** Memory in the engine, in bytes; then `query_too_large`. */
  readonly memoryBytes: number;
  /** Bytes of the text; then `query_too_large`. */
  readonly textBytes: number;
  /** Questions of one project at a time, less than `engineQueries` in any case; more wait. */
  readonly concurrency: number;
  /** Questions of one project that wait for a place; then `at_capacity`. */
  readonly queue: number;
  /** Longest wait for a place, in milliseconds; then `at_capacity`. */
  readonly queueWaitMs: number;
  /** Questions of all projects that the engine runs at a time. */
  readonly engineQueries: number;
}
