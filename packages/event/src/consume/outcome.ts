import type { ConsumeError } from '../consume-error.js';

/**
 * Why a consumer ended: `limit`, it has had as many events as it was to · `timeout`, its time was over · `signal`, it
 * was told to, or nobody reads what it writes · `stdin`, its standard input ended · `upstream`, events come no more ·
 * `error`, it could not go on.
 */
export type ExitReason = 'limit' | 'timeout' | 'signal' | 'stdin' | 'upstream' | 'error';

/** What became of a consumer. */
export interface Outcome {
  readonly reason: ExitReason;
  /** Events that were wanted and reached the sink; dropped ones are not among them. */
  readonly received: number;
  /** Events that a hook, jq or the sink could not take. */
  readonly failed: number;
  /** From ready, or from the start where it never was. */
  readonly elapsedMs: number;
  /** Why it ended before it was told to. */
  readonly error?: ConsumeError;
}
