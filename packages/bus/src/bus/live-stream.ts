import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StreamedEvent, StreamWatcher } from '@weir/event/source';
import { ConsumeError, type Source, SourceEnded } from '@weir/event/source';
import { list, type Names } from './names.js';

/** After this many events, yield to the event loop so that readers and sockets make progress. */
const TURN_EVENTS = 512;

/** The events of a live stream. */
export interface LiveEvents extends Required<StreamWatcher> {
  onEvent(streamed: StreamedEvent): void;
  /** The stream failed permanently. */
  onFailed(error: ConsumeError): void;
}

/** The stream that all consumers of a source share. Reopening it aborts the previous one. */
export class LiveStream {
  readonly #events: LiveEvents;
  #run: AbortController | undefined;
  #names: Names;

  constructor(events: LiveEvents) {
    this.#events = events;
  }

  /** Undefined before the first `open`, and after a failure. */
  get opened(): { readonly names: Names } | undefined {
    return this.#run && { names: this.#names };
  }

  open(source: Source, from: string, names: Names): void {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#names = names;
    void this.#follow(source, from, run);
  }

  close(): void {
    this.#run?.abort();
    this.#run = undefined;
  }

  async #follow(source: Source, from: string, run: AbortController): Promise<void> {
    const { signal } = run;
    const events = this.#events;
    const watcher: StreamWatcher = {
      onState: (state, reason) => void (signal.aborted || events.onState(state, reason)),
      onGap: (gap) => void (signal.aborted || events.onGap(gap)),
      onPosition: (cursor) => void (signal.aborted || events.onPosition(cursor)),
    };
    try {
      let turn = TURN_EVENTS;
      for await (const streamed of source.open(from, list(this.#names)).follow(watcher, signal)) {
        if (signal.aborted) return;
        events.onEvent(streamed);
        turn -= 1;
        if (turn > 0) continue;
        turn = TURN_EVENTS;
        await nextTurn();
      }
      if (!signal.aborted) throw new SourceEnded(`${source.name} has ended`);
    } catch (error) {
      if (signal.aborted) return;
      this.#run = undefined;
      events.onFailed(ConsumeError.from(error));
    }
  }
}
