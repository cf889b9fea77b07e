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
 * A stream of scripted steps, which can be added before and while it is followed. It is connected as soon as it is
 * followed.
 *
 * ```ts
 * const stream = new ScriptedStream().push(first).gap({ missed: 2, message: 'too slow' }).push(second).finish();
 * await consume(prepared, { stream, … });
 * stream.acknowledged; // [first, second]
 * ```
 */
export class ScriptedStream implements EventStream {
  /** Acknowledged events, in order. */
  readonly acknowledged: RawEvent[] = [];
  /** Failed events, in order. */
  readonly failed: RawEvent[] = [];
  readonly #steps = new Arrivals<Step>({
    items: Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
  });

  /** Adds an event; `cursor` is the source position after it. */
  push(event: RawEvent, cursor?: string): this {
    const item: StreamedEvent = {
      event,
      ...defined({ cursor }),
      ack: async () => void this.acknowledged.push(event),
      fail: async () => void this.failed.push(event),
    };
    return this.#then(() => item);
  }

  /** Adds a change of state. */
  state(state: StreamState, reason?: string): this {
    return this.#then((watcher) => void watcher.onState(state, reason));
  }

  /** Adds a gap. */
  gap(gap: StreamGap): this {
    return this.#then((watcher) => void watcher.onGap(gap));
  }

  /** Ends the source, normally or with an error. */
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
