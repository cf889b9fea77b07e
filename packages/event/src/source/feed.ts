import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ConsumeError } from '../consume-error.js';
import { Backoff } from './backoff.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { feedConnection } from './feed-connection.js';
import { feedEvent } from './feed-event.js';
import { feedGap } from './feed-refusal.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** Which feed to follow, and from where. */
export interface FeedOptions {
  /** The server's URL without a slash at its end. */
  readonly server: string;
  /** Id of the project. */
  readonly project: string;
  /** API key of the project with the scope `feed`; it is sent nowhere else. */
  readonly key: string;
  /** `latest` (default), `earliest`, a cursor, or a time in RFC 3339. */
  readonly from?: string;
  /** Only events of these names; default all. */
  readonly names?: readonly string[];
  /** `events` (default), `usage` or `dead_letters`. */
  readonly stream?: string;
  /** Whether the server has answered before: then it is away, and its address is right. Default false. */
  readonly isKnown?: boolean;
  readonly limits?: Partial<FeedLimits>;
}

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

const DEFAULTS: FeedLimits = {
  silenceMs: 45_000,
  firstAnswerMs: 5_000,
  answerMs: 15_000,
  outageMs: 3_600_000,
  firstWaitMs: 250,
  longestWaitMs: 15_000,
};

/** The URL that a follower of these options asks, but for where it begins. */
export function feedUrl({ server, project, names = [], stream = 'events' }: FeedOptions): URL {
  const url = new URL(`${server}/api/v1/projects/${encodeURIComponent(project)}/feed`);
  if (stream !== 'events') url.searchParams.set('stream', stream);
  for (const name of names) url.searchParams.append('event', name);
  return url;
}

/**
 * Follows the server's feed of a project over one connection at a time. It comes back from the last cursor whenever a
 * connection ends, so that no event is missed and none comes twice.
 *
 * ```ts
 * const feed = new FeedStream({ server: 'http://127.0.0.1:8080', project, key, from: 'earliest' });
 * for await (const { event, cursor } of feed.follow(watcher, signal)) …
 * ```
 */
export class FeedStream implements EventStream {
  readonly #options: FeedOptions;
  readonly #limits: FeedLimits;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULTS, ...options.limits };
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const url = feedUrl(this.#options);
    const { key, stream, server, isKnown = false } = this.#options;
    const { silenceMs } = this.#limits;
    const outage = new Outage(server, this.#limits, isKnown);
    let after = this.#options.from ?? 'latest';
    watcher.onState('connecting');
    while (!signal.aborted) {
      try {
        let isConnected = false;
        const { answerMs } = outage;
        for await (const blocks of feedConnection({ url, key, after, answerMs, silenceMs }, signal)) {
          outage.end();
          const seenAt = new Date().toISOString();
          for (const { id, event, data } of blocks) {
            if (event === 'error') throw this.#toldError(data ?? '');
            if (id !== undefined) after = id;
            // The first block has the cursor that the connection begins at: from here on nothing gets lost.
            if (!isConnected) watcher.onState('connected');
            isConnected = true;
            if (data !== undefined) yield { event: feedEvent(data, seenAt, stream), cursor: after };
            else watcher.onPosition?.(after);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SourceGap) {
          after = error.oldest;
          watcher.onGap({
            message: error.message,
            ...(error.missed === undefined ? {} : { missed: error.missed }),
          });
          continue;
        }
        if (!(error instanceof SourceInterrupted)) throw error;
        watcher.onState('disconnected', error.message);
        const waitMs = outage.waitAfter(error);
        await sleep(waitMs, undefined, { signal }).catch(() => {});
        if (!signal.aborted) watcher.onState('reconnecting', error.message);
      }
    }
  }

  #toldError(data: string): Error {
    const { code, detail } = toldError.parse(JSON.parse(data));
    if (code === 'cursor_expired') return feedGap(JSON.parse(data));
    return new SourceInterrupted(detail ?? code, { isAnswered: true });
  }
}

const toldError = z.object({ code: z.string(), detail: z.string().optional() });

/** The time in which no connection brings anything, from the start on: how long to wait, and when to give up. */
class Outage {
  readonly #server: string;
  readonly #limits: FeedLimits;
  readonly #backoff: Backoff;
  #since: number | undefined = performance.now();
  #wasAnswered: boolean;

  constructor(server: string, limits: FeedLimits, wasAnswered: boolean) {
    this.#server = server;
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
    throw new ConsumeError(
      'network',
      'unreachable',
      `no feed from ${this.#server}: ${failure.message}`,
      { hint: 'Start it with "weir serve", or name another with --server or WEIR_SERVER.' },
      { cause: failure },
    );
  }
}
