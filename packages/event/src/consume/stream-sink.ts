import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ConsumeError } from '../consume-error.js';
import { type EventOutput, type EventSink, textOf } from './event-sink.js';

/** Writes lines to a stream and waits for each write (backpressure). */
export class StreamSink implements EventSink {
  readonly #stream: Writable;

  /** @param stream its `error` event must be handled elsewhere, such as EPIPE. */
  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** @throws ConsumeError `cannot_write` */
  async write(output: EventOutput, hurry: AbortSignal): Promise<void> {
    const cause = await new Promise<Error | null | undefined>((resolve, reject) => {
      const giveUp = () => reject(hurry.reason);
      hurry.addEventListener('abort', giveUp, { once: true });
      this.#stream.write(textOf(output), (error) => {
        hurry.removeEventListener('abort', giveUp);
        resolve(error);
      });
    });
    if (cause === null || cause === undefined) return;
    // If the reader closed the pipe, let the handler of that event end the consumer first.
    await setImmediate();
    throw new ConsumeError('failed', 'cannot_write', `Cannot write to standard output: ${cause.message}`, {
      hint: 'Free disk space there, or write to another place.',
      cause,
    });
  }
}
