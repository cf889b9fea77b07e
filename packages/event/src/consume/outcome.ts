import type { ConsumeError } from '../consume-error.js';

/**
 * Why a consumer ended. `limit`: it has received its maximum of events. `timeout`: its time is over. `signal`: it was
 * interrupted, or the reader of its output closed the pipe. `stdin`: its standard input ended. `upstream`: the source
 * ended or failed. `error`: the consumer failed.
 */
export type ExitReason = 'limit' | 'timeout' | 'signal' | 'stdin' | 'upstream' | 'error';

/** Result of a consumer. */
export interface Outcome {
  readonly reason: ExitReason;
  /** Events that reached the sink; filtered events do not count. */
  readonly received: number;
  /** Events on which a hook, jq or the sink failed. */
  readonly failed: number;
  /** Time since ready, or since the start if it never became ready. */
  readonly elapsedMs: number;
  /** The error that ended it early. */
  readonly error?: ConsumeError;
}
