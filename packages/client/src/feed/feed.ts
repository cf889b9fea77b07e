import { Backoff, pause } from '@weir/base';
import type { Connection } from '../http/connection.js';
import { type EventStreamRequest, errorOfData, eventStream } from '../http/event-stream.js';
import { cancelled } from '../http/failure.js';
import type { SseBlock } from '../http/sse-parser.js';
import { WeirError } from '../weir-error.js';

/** What a feed carries: accepted events, usage records, dead letters, or changes of processes. */
export type FeedStream = 'events' | 'usage' | 'dead_letters' | 'processes';

/** What the server no longer had when the feed asked for it. */
export interface FeedGap {
  /** How many items are lost; undefined where the server cannot know. */
  readonly missed: number | undefined;
  readonly message: string;
}

/** What to follow, and from where. */
export interface FeedOptions {
  /** Default `events`. */
  readonly stream?: FeedStream;
  /** Only events of these names; for other streams see docs/feed.md. Default all. */
  readonly event?: readonly string[];
  /** A cursor, `earliest`, `latest` (default) or a time in RFC 3339. */
  readonly after?: string;
  /** `latest` ends the iteration with the item that is the newest at its start; default: it does not end. */
  readonly until?: 'latest';
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /**
   * Reports items that are lost, because the feed no longer keeps what follows the cursor; the feed continues after them.
   * Default: the iteration fails with `cursor_expired`, so that a loss is not missed.
   */
  readonly onGap?: (gap: FeedGap) => void;
  /** Reports that the server is away, and that it is back. */
  readonly onConnection?: (isThere: boolean, error?: WeirError) => void;
  /** Silence after which a connection counts as dead, milliseconds; default 45,000. */
  readonly silenceMs?: number;
}

/** An item of the feed. */
export interface FeedItem<Item> {
  /** Continue after this item with it. */
  readonly cursor: string;
  readonly event: Item;
  /** The JSON of `event`, where integers keep all their digits. */
  readonly text: string;
}

/** An event as the feed has it. */
export interface FeedEvent {
  readonly event: string;
  readonly event_id: string;
  readonly timestamp: string;
  readonly received_at: string;
  readonly user_id?: string | null;
  readonly anonymous_id?: string | null;
  readonly session_id?: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly extras: Readonly<Record<string, unknown>>;
}

/** Where a feed is read. */
interface FeedPlace {
  readonly connection: Connection;
  readonly project: () => Promise<string>;
}

/**
 * A project's feed: each item once and in order, through broken connections and restarts of the server. A further iteration
 * continues where the last one stopped.
 *
 * ```ts
 * const feed = weir.feed({ event: ['signup'], after: await load() });
 * for await (const { event, cursor } of feed) {
 *   await handle(event);
 *   await save(cursor);
 * }
 * ```
 */
export class Feed<Item = FeedEvent> implements AsyncIterable<FeedItem<Item>> {
  readonly #place: FeedPlace;
  readonly #options: FeedOptions;
  #cursor: string;

  /** Made by {@link Weir.feed}. */
  constructor(place: FeedPlace, options: FeedOptions) {
    this.#place = place;
    this.#options = options;
    this.#cursor = options.after ?? 'latest';
  }

  /** Where the feed continues: the cursor of the last item, or of a later one that was filtered out. At first `after`. */
  get cursor(): string {
    return this.#cursor;
  }

  /** Throws WeirError `cursor_expired` (unless there is `onGap`), `unreachable`, `unauthorized`, `insufficient_scope`, … */
  async *[Symbol.asyncIterator](): AsyncGenerator<FeedItem<Item>, void, undefined> {
    const { signal, onConnection, onGap } = this.#options;
    const backoff = new Backoff({ firstMs: 250, longestMs: 15_000 });
    const begun = performance.now();
    let wasConnected = false;
    let isAway = false;
    let end: string | undefined;
    while (!signal?.aborted) {
      try {
        // The newest place is asked for once: a connection that breaks must not move the end.
        if (this.#options.until !== undefined) end ??= await this.#newest();
        for await (const blocks of eventStream(this.#place.connection, await this.#request(end), signal)) {
          backoff.reset();
          wasConnected = true;
          if (isAway) onConnection?.(true);
          isAway = false;
          for (const block of blocks) {
            if (block.event === 'end') return;
            const item = this.#take(block);
            if (item === null) continue;
            yield item;
            if (signal?.aborted) return;
          }
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof WeirError)) throw error;
        if (error.code === 'cursor_expired' && onGap !== undefined) {
          // Without an oldest place the whole feed is another: all it holds is new.
          this.#cursor = String(error.oldest ?? 'earliest');
          onGap({ missed: error.missed, message: error.message });
          continue;
        }
        if (!error.retryable) throw error;
        const waitMs = backoff.next(error.retryAfterMs);
        const isHopeless =
          !wasConnected && performance.now() - begun + waitMs > this.#place.connection.patienceMs;
        if (isHopeless) throw error;
        if (!isAway) onConnection?.(false, error);
        isAway = true;
        await pause(waitMs, signal);
      }
    }
  }

  /** The item of a block; null where it only moves the cursor. */
  #take({ id, event, data }: SseBlock): FeedItem<Item> | null {
    if (event === 'error') throw failureOf(data);
    if (id !== undefined) this.#cursor = id;
    if (data === undefined) return null;
    // The cast holds as far as the caller's type fits the stream.
    return { cursor: this.#cursor, event: JSON.parse(data) as Item, text: data };
  }

  /** The cursor of the newest item. */
  async #newest(): Promise<string> {
    const { signal } = this.#options;
    const request = await this.#request('latest', 'latest');
    for await (const blocks of eventStream(this.#place.connection, request, signal)) {
      for (const { id } of blocks) if (id !== undefined) return id;
    }
    if (signal?.aborted) throw cancelled(signal);
    throw new WeirError('interrupted', 'the server ended the stream');
  }

  async #request(until: string | undefined, after = this.#cursor): Promise<EventStreamRequest> {
    const { stream, event, silenceMs } = this.#options;
    const project = await this.#place.project();
    return {
      path: `/api/v1/projects/${encodeURIComponent(project)}/feed`,
      query: { stream, event, after, until },
      ...(silenceMs === undefined ? {} : { silenceMs }),
    };
  }
}

/** What the server reports before it ends the stream: a cursor that has expired, or a reason to connect again. */
function failureOf(data: string | undefined): WeirError {
  const told = errorOfData(data);
  return told.code === 'cursor_expired'
    ? told
    : new WeirError('interrupted', told.message, {}, { cause: told });
}
