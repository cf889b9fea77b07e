import type { OutgoingEvent } from './outgoing-event.js';

/** Maximum number of events per request. */
const MAX_BATCH_EVENTS = 1_000;
/** Maximum bytes per request before compression, unless a single event is larger. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** The events of one request. */
export type Batch = readonly OutgoingEvent[];

/** Collects events into batches. */
export class BatchBuilder {
  #events: OutgoingEvent[] = [];
  #bytes = 0;

  /** Adds an event; returns the previous batch if it has no room for the event. */
  add(event: OutgoingEvent): Batch | null {
    // Count the line feed.
    const bytes = event.bytes.length + 1;
    const isFull =
      this.#events.length >= MAX_BATCH_EVENTS ||
      (this.#events.length > 0 && this.#bytes + bytes > MAX_BATCH_BYTES);
    const full = isFull ? this.take() : null;
    this.#events.push(event);
    this.#bytes += bytes;
    return full;
  }

  /** Returns the collected events; null if there are none. */
  take(): Batch | null {
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    return events.length === 0 ? null : events;
  }
}
