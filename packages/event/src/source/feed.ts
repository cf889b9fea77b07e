import { defined, pause } from '@weir/base';
import { Connection, type EventStreamRequest, errorOfData } from '@weir/client/http';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { type FeedRequest, feedConnection } from './feed-connection.js';
import { feedEvent } from './feed-event.js';
import { feedGap } from './feed-failure.js';
import { DEFAULT_FEED_LIMITS, type FeedLimits, Outage } from './outage.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** Options of a {@link FeedStream}. */
export interface FeedOptions {
  /** The server's URL without a trailing slash. */
  readonly server: string;
  /** Project id. */
  readonly project: string;
  /** API key of the project with the scope `feed`; sent only to this server. */
  readonly key: string;
  /** `latest` (default), `earliest`, a cursor, or a time in RFC 3339. */
  readonly from?: string;
  /**
   * `now` ends the stream at the newest item of the feed at the start; default never. The stream delivers every event
   * that was acknowledged before the start.
   */
  readonly until?: 'now';
  /** Event names; default all. */
  readonly names?: readonly string[];
  /** `events` (default), `usage`, `dead_letters` or `processes`. */
  readonly stream?: string;
  /** True if the server has answered before; then a failure is an outage, not a wrong address. Default false. */
  readonly isKnown?: boolean;
  readonly limits?: Partial<FeedLimits>;
}

/** Path and query of the feed request, without the start position. */
export function feedRequest({
  project,
  names = [],
  stream = 'events',
}: FeedOptions): Required<Pick<EventStreamRequest, 'path' | 'query'>> {
  return {
    path: `/api/v1/projects/${encodeURIComponent(project)}/feed`,
    query: { ...(stream === 'events' ? {} : { stream }), event: names },
  };
}

/**
 * Follows a project's feed over one connection at a time. After each disconnect it resumes from the last cursor, so
 * that no event is missed or repeated.
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
    this.#limits = { ...DEFAULT_FEED_LIMITS, ...options.limits };
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const { path, query } = feedRequest(this.#options);
    const { key, stream, server, isKnown = false } = this.#options;
    const connection = new Connection({ url: server, credential: key });
    const { silenceMs } = this.#limits;
    const outage = new Outage(`feed from ${server}`, this.#limits, isKnown);
    let after = this.#options.from ?? 'latest';
    // Determine the end position once, so that a reconnect does not move it.
    let until: string | undefined;
    watcher.onState('connecting');
    while (!signal.aborted) {
      try {
        let isConnected = false;
        const request = { connection, path, query, answerMs: outage.answerMs, silenceMs };
        if (this.#options.until !== undefined) until ??= await this.#newest(request, signal);
        for await (const blocks of feedConnection(
          { ...request, query: { ...query, until }, after },
          signal,
        )) {
          outage.end();
          const seenAt = new Date().toISOString();
          for (const { id, event, data } of blocks) {
            if (event === 'error') throw this.#reportedError(data ?? '');
            if (event === 'end') return;
            if (id !== undefined) after = id;
            // The first block contains the start cursor of the connection: from here on every event is received.
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
            ...defined({ missed: error.missed }),
          });
          continue;
        }
        if (!(error instanceof SourceInterrupted)) throw error;
        watcher.onState('disconnected', error.message);
        const waitMs = outage.waitAfter(error);
        await pause(waitMs, signal);
        if (!signal.aborted) watcher.onState('reconnecting', error.message);
      }
    }
  }

  /** The cursor of the newest item. */
  async #newest(request: Omit<FeedRequest, 'after'>, signal: AbortSignal): Promise<string> {
    const query = { ...request.query, until: 'latest' };
    for await (const blocks of feedConnection({ ...request, query, after: 'latest' }, signal)) {
      for (const { id } of blocks) if (id !== undefined) return id;
    }
    throw new SourceInterrupted('the server ended the stream', { isAnswered: true });
  }

  #reportedError(data: string): Error {
    const reported = errorOfData(data);
    if (reported.code === 'cursor_expired') return feedGap(reported);
    return new SourceInterrupted(reported.message, { isAnswered: true });
  }
}
