/**
 * The items of each project, in order: one stream for each project and kind in a separate log, each with its own
 * retention. So following a project only costs that project's items, and a busy project does not shorten the history of
 * others.
 */
import { takeTurn } from '@weir/base';
import { encodePlace, type Log, LogError, offsetInEpoch, type Part } from '@weir/log';
import { expired, FeedError } from './feed-error.js';
import { bufferOf, type FeedKind, ownerOf, receivedAtIn, streamOf } from './feed-kind.js';

/** An item to publish. */
export interface NewItem {
  readonly projectId: string;
  readonly payload: Uint8Array;
}

/** One item. */
export interface FeedItem {
  /** Opaque cursor: reading continues after it. */
  readonly cursor: string;
  readonly payload: Buffer;
}

/** Where reading starts: at later items, at the oldest retained one, after an item, or at a time. */
export type FeedStart = 'latest' | 'earliest' | { readonly after: string } | { readonly at: Date };

/** Where reading ends: at the newest item, or at the item of a cursor. */
export type FeedEnd = 'latest' | { readonly after: string };

/** Options of a live read. */
export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Milliseconds without an item after which an empty page is returned. */
  readonly idleMs: number;
  /** Offset of the last wanted item; default none, so that reading continues. */
  readonly last?: number;
}

/** A place in a project's items. */
export interface FeedPlace {
  readonly stream: string;
  /** Offset of the last item before it. */
  readonly offset: number;
  readonly cursor: string;
}

/** The position of each source, as the last entry: eight bytes. */
const SOURCES = 'sources:';
/** Bytes that a follower reads in one portion: with the encoding of its text, about a millisecond. */
const PAGE_BYTES = 128 * 1024;
const PAGE_ITEMS = 250;

/** See the head of this file. */
export class Feed {
  readonly #log: Log;
  #followers = 0;

  /** @param log a separate one for the feed */
  constructor(log: Log) {
    this.#log = log;
  }

  /** Number of active {@link follow} iterations. */
  get followers(): number {
    return this.#followers;
  }

  /** The published position of a source; 0 before the first. */
  async position(source: string): Promise<number> {
    const { last } = await this.#log.stats(SOURCES + source);
    const [entry] = await this.#log.read(SOURCES + source, { after: Math.max(0, last - 1) });
    return entry === undefined ? 0 : Buffer.from(entry.data).readDoubleLE(0);
  }

  /** Publishes items in order, and advances the source's position, all or nothing. */
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
   * Resolves a start to a place.
   * @throws FeedError `cursor_expired`, `invalid_request`
   */
  async locate(kind: FeedKind, projectId: string, start: FeedStart): Promise<FeedPlace> {
    const stream = streamOf(kind, projectId);
    const offset = await this.#offset(stream, start);
    return { stream, offset, cursor: this.#cursor(offset) };
  }

  /**
   * The offset of the last item up to an end: the newest item, or the item of a cursor. If retention has evicted that
   * item, a reader has no more items to read up to it.
   * @throws FeedError `cursor_expired` for a cursor of another feed, `invalid_request`
   */
  async lastUpTo(kind: FeedKind, projectId: string, end: FeedEnd): Promise<number> {
    const { last } = await this.#log.stats(streamOf(kind, projectId));
    if (end === 'latest') return last;
    return this.#offsetOf(end.after, last, 'end', 'a cursor of this feed, or latest');
  }

  /**
   * Every item after a place, in order: history, then live items, until the signal aborts or the item at `last` was
   * delivered. In pages, each in a turn of the event loop that all followers share; an empty page after each `idleMs`
   * without items.
   * @throws FeedError `cursor_expired` if retention overtakes a slow reader
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
      throw expired(this.#cursor(first - 1), first - 1 - after);
    }
  }

  async #offset(stream: string, start: FeedStart): Promise<number> {
    const { first, last } = await this.#log.stats(stream);
    if (start === 'latest') return last;
    if (start === 'earliest') return first - 1;
    if ('at' in start) return this.#before(stream, start.at.getTime(), first, last);
    const offset = this.#offsetOf(start.after, last, 'start');
    if (offset < first - 1) throw expired(this.#cursor(first - 1), first - 1 - offset);
    return offset;
  }

  /**
   * The offset before the first item received at or after a time; items are in that order, except for changes of
   * clocks.
   */
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

  #offsetOf(cursor: string, last: number, what: 'start' | 'end', hint?: string): number {
    try {
      const offset = offsetInEpoch(cursor, this.#log.epoch);
      if (offset <= last) return offset;
    } catch (cause) {
      if (cause instanceof LogError && cause.code === 'epoch_mismatch') {
        const details = { hint: 'continue with earliest', cause };
        throw new FeedError('cursor_expired', 'the cursor belongs to a feed that was lost', details);
      }
      throw new FeedError('invalid_request', `the ${what} is not a cursor of this feed`, { hint, cause });
    }
    throw new FeedError('invalid_request', `the cursor of the ${what} is ahead of the feed`, { hint });
  }

  #cursor(offset: number): string {
    return encodePlace({ epoch: this.#log.epoch, offset });
  }
}
