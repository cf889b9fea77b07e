import { WeirError } from '@weir/base';
import { ConsumeError } from '../consume-error.js';

/** The connection broke, or the source is temporarily unavailable: retry. */
export class SourceInterrupted extends WeirError<'source_interrupted'> {
  /** Minimum delay that the source requests before the next attempt, in milliseconds. */
  readonly waitMs: number;
  /** True if a server has answered. */
  readonly isAnswered: boolean;
  /** True for a rate limit. Otherwise the server is starting or unreachable, and may recover before `waitMs`. */
  readonly isLimit: boolean;

  constructor(
    message: string,
    { waitMs = 0, isAnswered = false, isLimit = false, cause }: Interruption = {},
  ) {
    super('source_interrupted', message, { retryable: true, cause });
    this.waitMs = waitMs;
    this.isAnswered = isAnswered;
    this.isLimit = isLimit;
  }
}

interface Interruption {
  readonly waitMs?: number;
  readonly isAnswered?: boolean;
  readonly isLimit?: boolean;
  readonly cause?: unknown;
}

/** The source no longer has the next events: continue with the oldest ones it has. */
export class SourceGap extends WeirError<'source_gap'> {
  /** Start of the retained events: a cursor, or `earliest`. */
  readonly oldest: string;
  /** Number of lost events; undefined if unknown. */
  readonly missed: number | undefined;

  constructor(
    message: string,
    { oldest, missed }: { readonly oldest: string; readonly missed?: number | undefined },
  ) {
    super('source_gap', message);
    this.oldest = oldest;
    this.missed = missed;
  }
}

/** The source has ended permanently. */
export class SourceEnded extends ConsumeError {
  constructor(message: string) {
    super('failed', 'source_ended', message, {
      hint: 'All events were delivered; no action is needed.',
    });
  }
}
