import { WeirError } from '@weir/base';
import { ConsumeError } from '../consume-error.js';

/** The connection broke, or the source cannot serve it now: try again. */
export class SourceInterrupted extends WeirError<'source_interrupted'> {
  /** How long the source wants to be left alone, in milliseconds. */
  readonly waitMs: number;
  /** Whether a server answered at all. */
  readonly isAnswered: boolean;
  /** Whether the server asks this client to slow down; else it is away or starts, and may be back before `waitMs`. */
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

/** The source no longer has what came next: go on with the oldest it has. */
export class SourceGap extends WeirError<'source_gap'> {
  /** Where that begins: a cursor, or `earliest`. */
  readonly oldest: string;
  /** Events in between; undefined when nobody knows. */
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

/** The source has come to its end: nothing comes after what it has brought, now or later. */
export class SourceEnded extends ConsumeError {
  constructor(message: string) {
    super('failed', 'source_ended', message, {
      hint: 'Everything there was has come: nothing is to be done.',
    });
  }
}
