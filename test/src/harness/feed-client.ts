import { EventSource } from 'eventsource';

/** An event as the feed delivers it. */
export interface Delivered {
  readonly cursor: string;
  readonly event: string;
  readonly event_id: string;
  readonly [field: string]: unknown;
}

/** How soon a client asks again that was refused: a server that starts refuses for a moment. */
const AGAIN_MS = 200;

/**
 * A client of the feed as people write it: the `eventsource` library, which comes back by itself when a connection breaks,
 * and anew from the last cursor where it was refused.
 */
export class FeedClient {
  readonly events: Delivered[] = [];
  /** What the server said was wrong in the middle of a stream. */
  readonly errors: unknown[] = [];
  readonly #url: string;
  readonly #key: string;
  #cursor: string | null;
  #source: EventSource;
  #isOpen = false;
  #isClosed = false;

  constructor(url: string, key: string, lastEventId: string | null = null) {
    this.#url = url;
    this.#key = key;
    this.#cursor = lastEventId;
    this.#source = this.#connect();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get ids(): string[] {
    return this.events.map(({ event_id }) => event_id);
  }

  close(): void {
    this.#isClosed = true;
    this.#source.close();
  }

  #connect(): EventSource {
    const cursor = this.#cursor;
    const source = new EventSource(this.#url, {
      fetch: (input, init) => {
        const headers = new Headers(init.headers);
        headers.set('authorization', `Bearer ${this.#key}`);
        if (cursor !== null && !headers.has('last-event-id')) headers.set('last-event-id', cursor);
        return fetch(input, { ...init, headers });
      },
    });
    source.onopen = () => {
      this.#isOpen = true;
    };
    source.onmessage = ({ data, lastEventId }) => {
      this.#cursor = lastEventId;
      // The cast holds by the feed's documentation, which the tests then show.
      this.events.push({
        ...(JSON.parse(String(data)) as Omit<Delivered, 'cursor'>),
        cursor: lastEventId,
      } as Delivered);
    };
    source.addEventListener('error', (event) => {
      if ('data' in event && typeof event.data === 'string') this.errors.push(JSON.parse(event.data));
      if (source.readyState !== source.CLOSED || this.#isClosed) return;
      setTimeout(() => {
        if (!this.#isClosed) this.#source = this.#connect();
      }, AGAIN_MS);
    });
    return source;
  }
}
