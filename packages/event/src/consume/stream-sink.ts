import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ConsumeError } from '../consume-error.js';
import { type EventOutput, type EventSink, textOf } from './event-sink.js';

/** Writes lines to a stream, no faster than it takes them. */
export class StreamSink implements EventSink {
  readonly #stream: Writable;

  /** @param stream whose `error` event is handled elsewhere, such as a pipe that nothing reads any more. */
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
    // A reader that has gone ends the consumer: what handles that is called after this.
    await setImmediate();
    throw new ConsumeError('failed', 'cannot_write', `Cannot write to standard output: ${cause.message}`, {
      hint: 'Make room there, or write to another place.',
      cause,
    });
  }
}
