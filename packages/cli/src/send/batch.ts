import type { OutgoingEvent } from './outgoing-event.js';

/** Most events of one request. */
const MAX_BATCH_EVENTS = 1_000;
/** Most bytes of one request before compression, unless one event alone is larger. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** Events that go out in one request. */
export type Batch = readonly OutgoingEvent[];

/** Gathers events into batches. */
export class BatchBuilder {
  #events: OutgoingEvent[] = [];
  #bytes = 0;

  /** Adds an event; answers with the batch that had no more room for it. */
  add(event: OutgoingEvent): Batch | null {
    // The line end counts.
    const bytes = event.bytes.length + 1;
    const isFull =
      this.#events.length >= MAX_BATCH_EVENTS ||
      (this.#events.length > 0 && this.#bytes + bytes > MAX_BATCH_BYTES);
    const full = isFull ? this.take() : null;
    this.#events.push(event);
    this.#bytes += bytes;
    return full;
  }

  /** What has been gathered; null where that is nothing. */
  take(): Batch | null {
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    return events.length === 0 ? null : events;
  }
}
