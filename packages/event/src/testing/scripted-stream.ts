import { defined } from '@weir/base';
import type { RawEvent } from '../raw-event.js';
import { Arrivals } from '../source/arrivals.js';
import type {
  EventStream,
  StreamedEvent,
  StreamGap,
  StreamState,
  StreamWatcher,
} from '../source/event-stream.js';

type Step = (watcher: StreamWatcher) => StreamedEvent | undefined;

/**
 * A stream that gives what it is told to, in that order, before it is followed or while it is. It is connected as soon
 * as it is followed.
 *
 * ```ts
 * const stream = new ScriptedStream().push(first).gap({ missed: 2, message: 'too slow' }).push(second).finish();
 * await consume(prepared, { stream, … });
 * stream.acknowledged; // [first, second]
 * ```
 */
export class ScriptedStream implements EventStream {
  /** Events that were done with, in that order. */
  readonly acknowledged: RawEvent[] = [];
  /** Events that could not be handled, in that order. */
  readonly failed: RawEvent[] = [];
  readonly #steps = new Arrivals<Step>({
    items: Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
  });

  /** An event; `cursor` is where the source goes on after it. */
  push(event: RawEvent, cursor?: string): this {
    const item: StreamedEvent = {
      event,
      ...defined({ cursor }),
      ack: async () => void this.acknowledged.push(event),
      fail: async () => void this.failed.push(event),
    };
    return this.#then(() => item);
  }

  /** The stream has another state. */
  state(state: StreamState, reason?: string): this {
    return this.#then((watcher) => void watcher.onState(state, reason));
  }

  /** Events are gone. */
  gap(gap: StreamGap): this {
    return this.#then((watcher) => void watcher.onGap(gap));
  }

  /** The source ends: by itself, or with an error. Nothing comes after it. */
  finish(error?: Error): this {
    this.#steps.end(error);
    return this;
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    watcher.onState('connected');
    for await (const step of this.#steps.read(signal)) {
      const item = step(watcher);
      if (item !== undefined) yield item;
    }
  }

  #then(step: Step): this {
    if (this.#steps.push(step, 0)) return this;
    throw new Error('The script has ended: put this before finish().');
  }
}
