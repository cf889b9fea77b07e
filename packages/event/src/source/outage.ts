import { Backoff } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import type { SourceInterrupted } from './source-errors.js';

/** Timeouts of a feed follower, in milliseconds. */
export interface FeedLimits {
  /** Silence after which a connection is treated as dead; the server sends a heartbeat every 15 s. Default 45 s. */
  readonly silenceMs: number;
  /** How long to retry a server that has never answered, which is more often a wrong address than an outage. Default 5 s. */
  readonly firstAnswerMs: number;
  /** Timeout for the response of a server that has answered before. Default 15 s. */
  readonly answerMs: number;
  /** How long to retry an interrupted feed. Default 1 h. */
  readonly outageMs: number;
  /** First and longest delay between retries. Defaults 250 ms and 15 s. */
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

/** Tracks an outage, starting with the first connection attempt: computes the retry delays and decides when to give up. */
export class Outage {
  readonly #what: string;
  readonly #limits: FeedLimits;
  readonly #backoff: Backoff;
  #since: number | undefined = performance.now();
  #wasAnswered: boolean;

  /** @param what the missing input, for messages, such as `feed from http://…` */
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

  /** Timeout for the response to the next request. */
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
      hint: 'Start it with "weir serve", or select another with --server or WEIR_SERVER.',
      cause: failure,
    });
  }
}
