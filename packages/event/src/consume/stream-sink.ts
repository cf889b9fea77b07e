import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { type EventOutput, type EventSink, textOf } from './event-sink.js';

/** Writes lines to a stream, no faster than it takes them. */
export class StreamSink implements EventSink {
  readonly #stream: Writable;

  /** @param stream whose errors are somebody else's to handle. */
  constructor(stream: Writable) {
    this.#stream = stream;
  }

  async write(output: EventOutput, hurry: AbortSignal): Promise<void> {
    if (this.#stream.write(textOf(output)) || hurry.aborted) return;
    await once(this.#stream, 'drain', { signal: hurry });
  }
}
