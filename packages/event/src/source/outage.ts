import { Backoff } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import type { SourceInterrupted } from './source-errors.js';

/** How patient the follower is. Milliseconds. */
export interface FeedLimits {
  /** Silence after which a connection is taken for dead; the server's heartbeat comes every 15 s. Default 45 s. */
  readonly silenceMs: number;
  /** How long a server that has never answered is tried: it is a wrong address more often than an outage. Default 5 s. */
  readonly firstAnswerMs: number;
  /** How long one that has may take to answer a connection. Default 15 s. */
  readonly answerMs: number;
  /** How long a feed that is interrupted is tried. Default an hour. */
  readonly outageMs: number;
  /** The wait before the first further try, and the longest. Defaults 250 ms and 15 s. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

export const DEFAULT_FEED_LIMITS: FeedLimits = {
  silenceMs: 45_000,
  firstAnswerMs: 5_000,
  answerMs: 15_000,
  outageMs: 3_600_000,
  firstWaitMs: 250,
  longestWaitMs: 15_000,
};

/** The time in which no connection brings anything, from the start on: how long to wait, and when to give up. */
export class Outage {
  readonly #what: string;
  readonly #limits: FeedLimits;
  readonly #backoff: Backoff;
  #since: number | undefined = performance.now();
  #wasAnswered: boolean;

  /** @param what nobody gets, such as `feed from http://…` */
  constructor(what: string, limits: FeedLimits, wasAnswered: boolean) {
    this.#what = what;
    this.#wasAnswered = wasAnswered;
    this.#limits = limits;
    this.#backoff = new Backoff({ firstMs: limits.firstWaitMs, longestMs: limits.longestWaitMs });
  }

  end(): void {
    this.#since = undefined;
    this.#wasAnswered = true;
    this.#backoff.reset();
  }

  /** How long the next connection may wait for its answer. */
  get answerMs(): number {
    const { answerMs, firstAnswerMs } = this.#limits;
    if (this.#wasAnswered) return answerMs;
    return Math.max(1, firstAnswerMs - (performance.now() - (this.#since ?? 0)));
  }

  waitAfter(failure: SourceInterrupted): number {
    const now = performance.now();
    this.#since ??= now;
    if (failure.isAnswered) this.#wasAnswered = true;
    const { outageMs, firstAnswerMs } = this.#limits;
    const waitMs = Math.max(this.#backoff.next(), failure.waitMs);
    if (now + waitMs - this.#since < (this.#wasAnswered ? outageMs : firstAnswerMs)) return waitMs;
    throw new ConsumeError('network', 'unreachable', `no ${this.#what}: ${failure.message}`, {
      hint: 'Start it with "weir serve", or name another with --server or WEIR_SERVER.',
      cause: failure,
    });
  }
}
