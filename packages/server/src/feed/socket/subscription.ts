import { takeTurn } from '@weir/base';
import {
  type EventTexts,
  type FeedGap,
  type FeedItem,
  type FeedPlace,
  type FeedStart,
  gapOf,
} from '@weir/feed';
import type { RequestRecord } from '@weir/usage';
import type { Outbox } from '../../http/socket/outbox.js';
import type { FeedAccess } from '../feed-access.js';
import { startOf } from '../feed-place.js';
import { lostRight } from '../right-watch.js';
import type { ServerFeed } from '../server-feed.js';
import type { SubscribeFrame } from './frames.js';

/** A socket needs no empty pages as heartbeats, because it has pings. */
const IDLE_MS = 10 * 60_000;

/** Dependencies of a {@link Subscription}. */
export interface SubscriptionParts {
  readonly feed: ServerFeed;
  readonly outbox: Outbox;
  readonly usage: RequestRecord | undefined;
  /** Checks the right to read. */
  readonly access: FeedAccess;
}

/** One stream of a project sent over a socket, identified by the client's name for it. */
export class Subscription {
  readonly #frame: SubscribeFrame;
  readonly #projectId: string;
  readonly #parts: SubscriptionParts;
  readonly #over = new AbortController();
  readonly #wanted: ReadonlySet<string> | null;

  constructor(frame: SubscribeFrame, projectId: string, parts: SubscriptionParts) {
    this.#frame = frame;
    this.#projectId = projectId;
    this.#parts = parts;
    this.#wanted = frame.event === undefined ? null : new Set(frame.event);
  }

  end(): void {
    this.#over.abort();
  }

  /**
   * Sends items until {@link end}. Items that retention evicted before they were sent are reported as a `gap`.
   * @throws Problem for an invalid place, and 402 if the host does not (or no longer) permit the project to read
   *   events; the error of a failed recheck
   */
  async run(): Promise<void> {
    const { signal } = this.#over;
    const { sub, after, stream } = this.#frame;
    const refusal = await this.#parts.access.refusalOf(stream, this.#projectId);
    if (refusal !== null) throw refusal;
    // Why it ended, unless the client ended it: a refusal, or a failed check.
    let reason: unknown = null;
    if (stream === 'events') {
      const isAllowed = async (): Promise<boolean> => {
        try {
          reason = await this.#parts.access.refusalOf(stream, this.#projectId);
        } catch (error) {
          reason = error;
        }
        return reason === null;
      };
      lostRight(isAllowed, signal).addEventListener('abort', () => this.end(), { once: true });
    }
    let place = await this.#locate(startOf(after));
    if (!signal.aborted) this.#parts.outbox.answer({ op: 'ready', sub, cursor: place.cursor });
    while (!signal.aborted) {
      try {
        for await (const page of this.#parts.feed.feed.follow(place, { signal, idleMs: IDLE_MS }))
          if (page.length > 0) await this.#send(page, place.stream);
      } catch (error) {
        const gap = gapOf(error);
        if (gap === undefined) throw error;
        place = await this.#passGap(gap);
      }
    }
    if (reason !== null) throw reason;
  }

  async #locate(start: FeedStart): Promise<FeedPlace> {
    try {
      return await this.#parts.feed.locate(this.#frame.stream, this.#projectId, start);
    } catch (error) {
      const gap = gapOf(error);
      if (gap === undefined) throw error;
      return await this.#passGap(gap);
    }
  }

  async #passGap({ oldest, missed }: FeedGap): Promise<FeedPlace> {
    const { sub } = this.#frame;
    await this.#parts.outbox.give(() => JSON.stringify({ op: 'gap', sub, oldest, missed }));
    return await this.#locate({ after: oldest });
  }

  async #send(page: readonly FeedItem[], stream: string): Promise<void> {
    const { feed, outbox, usage } = this.#parts;
    const { signal } = this.#over;
    await outbox.give(async () => {
      // Frames of a connection are created one after another, long after their pages were read.
      await takeTurn(this.#projectId, signal);
      // No items may follow the answer to an `end`.
      if (signal.aborted) return null;
      const { text, count } = eventsFrame(this.#frame.sub, page, stream, feed.texts, this.#wanted);
      usage?.delivered(count);
      return text;
    });
  }
}

/** Built by hand, because the events exist as text. */
function eventsFrame(
  sub: string,
  page: readonly FeedItem[],
  stream: string,
  texts: EventTexts,
  wanted: ReadonlySet<string> | null,
): { readonly text: string; readonly count: number } {
  const events: string[] = [];
  for (const item of page) {
    const event = texts.ifWanted(stream, item, wanted);
    if (event !== null) events.push(`{"cursor":"${item.cursor}","event":${event.text}}`);
  }
  const cursor = page.at(-1)?.cursor;
  const text = `{"op":"events","sub":${JSON.stringify(sub)},"events":[${events.join(',')}],"cursor":"${cursor}"}`;
  return { text, count: events.length };
}
