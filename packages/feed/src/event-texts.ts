import type { FeedEvent } from './event-document.js';
import type { FeedItem } from './feed.js';
import { documentIn, nameIn } from './feed-kind.js';

/** Maximum characters of all cached texts. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** Characters left after an eviction: reading a Map's first key walks over all keys deleted before it. */
const LEFT_LENGTH = 12 * 1024 * 1024;

/** Caches the documents of events for all followers of the same project: followers that keep up read the same items. */
export class EventTexts {
  readonly #texts = new Map<string, FeedEvent>();
  #length = 0;

  /** The event of an item of a stream. */
  of(stream: string, { cursor, payload }: FeedItem): FeedEvent {
    const key = `${stream} ${cursor}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const event = documentIn(stream, payload);
    this.#texts.set(key, event);
    this.#length += event.text.length;
    if (this.#length > MAX_LENGTH) this.#forgetOldest();
    return event;
  }

  /**
   * As {@link of}, or null for an item whose name is not wanted. Only the name of such an item is read, so that a
   * filter is cheap and does not evict cached texts of other readers.
   * @param names null for all
   */
  ifWanted(stream: string, item: FeedItem, names: ReadonlySet<string> | null): FeedEvent | null {
    if (names !== null && !names.has(nameIn(stream, item.payload))) return null;
    return this.of(stream, item);
  }

  #forgetOldest(): void {
    for (const [oldest, { text }] of this.#texts) {
      if (this.#length <= LEFT_LENGTH) return;
      this.#texts.delete(oldest);
      this.#length -= text.length;
    }
  }
}
