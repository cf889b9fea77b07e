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
  /** Questions of one project at a time; then `at_capacity`. */
  readonly concurrency: number;
}
