import type { FeedEvent } from './event-document.js';
import type { FeedItem } from './feed.js';
import { documentIn, nameIn } from './feed-kind.js';

/** Characters of all texts that are kept. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** What is left of them when they are more: a Map's first key costs a walk over all that was deleted before it. */
const LEFT_LENGTH = 12 * 1024 * 1024;

/** Reads events once for all who follow the same project: those who keep up ask for the same ones. */
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
   * The same, or null for an item whose name is not wanted. Only the name of such an item is read, so that a filter costs
   * little and leaves the texts that are kept to readers that want them.
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
