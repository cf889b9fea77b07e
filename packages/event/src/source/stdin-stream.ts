import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { type CutLine, LineCutter } from './line-cutter.js';
import { lineEvent } from './line-event.js';

/**
 * Reads lines from a pipe, such as standard input, with backpressure. It ends with its input; a last line without a
 * line feed counts. Blank lines are skipped.
 */
export class StdinStream implements EventStream {
  readonly #input: Readable;

  /** @param input a byte stream; destroyed when the stream ends. */
  constructor(input: Readable) {
    this.#input = input;
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const lines = new LineCutter();
    const stop = () => void this.#input.destroy();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    else watcher.onState('connected');
    try {
      for await (const piece of this.#input) {
        for (const line of lines.cut(Buffer.from(piece))) yield* eventsOf(line, watcher);
      }
      const rest = lines.rest();
      if (rest !== undefined) yield* eventsOf(rest, watcher);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

function* eventsOf({ text, bytes }: CutLine, watcher: StreamWatcher): Generator<StreamedEvent> {
  if (text?.trim() === '') return;
  const event = text === undefined ? undefined : lineEvent(text, randomUUID());
  if (event !== undefined) yield { event };
  else watcher.onGap({ missed: 1, message: `a line of ${bytes} bytes exceeds 1 MiB` });
}
