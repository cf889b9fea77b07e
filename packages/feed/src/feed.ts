/**
 * What happened in each project, in order: streams of a log of their own, one a project and kind, each with a retention
 * of its own. So following one project costs what that project's own items cost, and no project's history is cut short
 * by a busier one.
 */
import { takeTurn } from '@weir/base';
import { encodePlace, type Log, LogError, offsetInEpoch, type Part } from '@weir/log';
import { bufferOf, type FeedKind, ownerOf, receivedAtIn, streamOf } from './feed-kind.js';

/** One item to be. */
export interface NewItem {
  readonly projectId: string;
  readonly payload: Uint8Array;
}

/** One item. */
export interface FeedItem {
  /** Opaque: reading goes on after it. */
  readonly cursor: string;
  readonly payload: Buffer;
}

/** Where reading begins: at what comes from now on, at the oldest kept, after an item, or at a time. */
export type FeedStart = 'latest' | 'earliest' | { readonly after: string } | { readonly at: Date };

/** Where reading ends: at the newest item, or at the item that a cursor names. */
export type FeedEnd = 'latest' | { readonly after: string };

/** How a place is read from. */
export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Milliseconds without an item after which an empty page comes. */
  readonly idleMs: number;
  /** Offset of the last item wanted; default none, so that reading goes on. */
  readonly last?: number;
}

/** A place in a project's items. */
export interface FeedPlace {
  readonly stream: string;
  /** Of the last item before it. */
  readonly offset: number;
  readonly cursor: string;
}

/** A place can no longer be read from. */
export class FeedExpired extends Error {
  override readonly name = 'FeedExpired';
  /** The oldest place that can: reading after it misses the least. */
  readonly oldest: string;
  /** Items in between. */
  readonly missed: number;

  constructor(
    oldest: string,
    missed: number,
    message = `${missed} items after this cursor are no longer kept`,
  ) {
    super(message);
    this.oldest = oldest;
    this.missed = missed;
  }
}

/** Where each source stands, as the last entry: eight bytes. */
const SOURCES = 'sources:';
/** What a follower reads in one portion: with the text that is made of it, about a millisecond. */
const PAGE_BYTES = 128 * 1024;
const PAGE_ITEMS = 250;

/** See the head of this file. */
export class Feed {
  readonly #log: Log;
  #followers = 0;

  /** @param log the feed's own */
  constructor(log: Log) {
    this.#log = log;
  }

  /** How many {@link follow} now. */
  get followers(): number {
    return this.#followers;
  }

  /** How far a source has been published; 0 before the first time. */
  async position(source: string): Promise<number> {
    const { last } = await this.#log.stats(SOURCES + source);
    const [entry] = await this.#log.read(SOURCES + source, { after: Math.max(0, last - 1) });
    return entry === undefined ? 0 : Buffer.from(entry.data).readDoubleLE(0);
  }

  /** Publishes items in their order, and moves the source's position with them, all or nothing. */
  async publish(kind: FeedKind, items: Iterable<NewItem>, source: string, position: number): Promise<void> {
    const byProject = new Map<string, Uint8Array[]>();
    for (const { projectId, payload } of items) {
      const entries = byProject.get(projectId) ?? [];
      byProject.set(projectId, entries);
      entries.push(payload);
    }
    const place = Buffer.alloc(8);
    place.writeDoubleLE(position, 0);
    const parts: Part[] = [...byProject].map(([projectId, entries]) => ({
      stream: streamOf(kind, projectId),
      entries,
    }));
    const [moved] = await this.#log.appendAll([{ stream: SOURCES + source, entries: [place] }, ...parts]);
    if (moved !== undefined && moved.last % 100 === 0) await this.#log.trim(SOURCES + source, moved.last);
  }

  /**
   * The place a start stands for.
   * @throws FeedExpired; LogError `cursor_invalid`, `epoch_mismatch` for a cursor of a feed that is gone
   */
  async locate(kind: FeedKind, projectId: string, start: FeedStart): Promise<FeedPlace> {
    const stream = streamOf(kind, projectId);
    const offset = await this.#offset(stream, start);
    return { stream, offset, cursor: this.#cursor(offset) };
  }

  /**
   * The offset of the last item up to an end: the newest item, or the item that a cursor names. Retention may have removed
   * that item already: then a reader has nothing left to read up to it.
   * @throws LogError `cursor_invalid`, `epoch_mismatch` for a cursor of another feed
   */
  async lastUpTo(kind: FeedKind, projectId: string, end: FeedEnd): Promise<number> {
    const { last } = await this.#log.stats(streamOf(kind, projectId));
    if (end === 'latest') return last;
    const offset = offsetInEpoch(end.after, this.#log.epoch);
    if (offset > last) throw new LogError('cursor_invalid', 'the cursor is ahead of the feed');
    return offset;
  }

  /**
   * Every item after a place, in order: history, then what comes, until the signal aborts or the item at `last` was
   * delivered. In pages, each in a turn of the event loop that all followers share; an empty one each time `idleMs` pass
   * without any.
   * @throws FeedExpired when retention overtakes a slow reader
   */
  async *follow(
    { stream, offset }: FeedPlace,
    { signal, idleMs, last = Number.POSITIVE_INFINITY }: FollowOptions,
  ): AsyncGenerator<readonly FeedItem[], void, undefined> {
    const { projectId } = ownerOf(stream);
    let after = offset;
    let hasWaited = false;
    this.#followers += 1;
    try {
      while (after < last) {
        await takeTurn(projectId, signal);
        if (signal.aborted) return;
        const items = await this.#read(stream, after, Math.min(PAGE_ITEMS, last - after));
        after += items.length;
        if (items.length > 0 || hasWaited) yield items;
        hasWaited = items.length === 0;
        if (hasWaited) await this.#log.wait(stream, { after, signal, timeoutMs: idleMs });
      }
    } finally {
      this.#followers -= 1;
    }
  }

  async #read(stream: string, after: number, limit: number): Promise<FeedItem[]> {
    try {
      const entries = await this.#log.read(stream, { after, limit, maxBytes: PAGE_BYTES });
      return entries.map(({ offset, data }) => ({
        cursor: this.#cursor(offset),
        payload: bufferOf(data),
      }));
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'cursor_expired') throw error;
      const { first } = await this.#log.stats(stream);
      throw new FeedExpired(this.#cursor(first - 1), first - 1 - after);
    }
  }

  async #offset(stream: string, start: FeedStart): Promise<number> {
    const { first, last } = await this.#log.stats(stream);
    if (start === 'latest') return last;
    if (start === 'earliest') return first - 1;
    if ('at' in start) return this.#before(stream, start.at.getTime(), first, last);
    const offset = offsetInEpoch(start.after, this.#log.epoch);
    if (offset > last)
      throw new LogError('cursor_invalid', 'the cursor is ahead of the feed; leave it out to start anew');
    if (offset < first - 1) throw new FeedExpired(this.#cursor(first - 1), first - 1 - offset);
    return offset;
  }

  /** The offset before the first item received at a time or later: items come in that order, but for clocks. */
  async #before(stream: string, time: number, first: number, last: number): Promise<number> {
    let low = first;
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [entry] = await this.#log.read(stream, { after: middle - 1, limit: 1 });
      if (entry !== undefined && receivedAtIn(stream, entry.data) < time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #cursor(offset: number): string {
    return encodePlace({ epoch: this.#log.epoch, offset });
  }
}
