import type { StreamedEvent, StreamGap, StreamState, StreamWatcher } from '@weir/event/source';
import { ConsumeError, SourceEnded } from '@weir/event/source';
import { encodeEventRest } from '../protocol/encode.js';
import { ProtocolError } from '../protocol/index.js';
import type { Consumer } from './consumer.js';
import { BATCH_BYTES } from './event-batch.js';
import { asked, list } from './names.js';
import { SourceFacts } from './source-facts.js';
import type { SourceHub } from './source-hub.js';

/** Callbacks of a {@link Replay} to its reader. */
export interface ReplayEvents {
  /** The ring position after a cursor, if the ring retains every matching event from there on. */
  placeAfter(cursor: string): number | undefined;
  /** The replay has ended: everything up to the cursor was written, and the ring retains the rest. */
  onMet(place: number, cursor: string): void;
  /** Everything up to the cursor was written. */
  onWritten(cursor: string | undefined): void;
  onState(): void;
  onGap(gap: StreamGap): void;
}

/**
 * A separate source stream for one consumer whose start position is not in the ring. It is read only as fast as the
 * consumer reads, and ends as soon as the ring retains the next event.
 */
export class Replay {
  readonly facts: SourceFacts;
  readonly #consumer: Consumer;
  readonly #hub: SourceHub;
  readonly #events: ReplayEvents;
  readonly #run = new AbortController();
  #from: string;
  #cursor: string | undefined;
  #rests: Buffer[] = [];
  #bytes = 0;
  #resume: (() => void) | undefined;
  #isFlushing = false;

  /** @param begin start position, and the source state to report until the stream has its own. */
  constructor(
    consumer: Consumer,
    hub: SourceHub,
    begin: { readonly from: string; readonly state: StreamState },
    events: ReplayEvents,
  ) {
    this.#consumer = consumer;
    this.#hub = hub;
    this.#from = begin.from;
    this.#events = events;
    this.facts = new SourceFacts(hub.source.name, { state: begin.state });
  }

  start(): void {
    void this.#follow();
  }

  /** Events that were read from the source and not yet written. */
  get queued(): number {
    return this.#rests.length;
  }

  /** Writes the queued events if the connection accepts more data. */
  flush(): void {
    if (!this.#consumer.connection.isFree) return;
    this.#write();
    this.#resume?.();
  }

  /** Switches to the ring if it retains the next event. */
  meet(): void {
    if (this.#cursor === undefined || this.#run.signal.aborted) return;
    const place = this.#events.placeAfter(this.#cursor);
    if (place === undefined) return;
    // Write at most one batch, even if the connection has not drained.
    this.#write();
    this.close();
    this.#events.onMet(place, this.#cursor);
  }

  close(): void {
    this.#run.abort();
    this.#resume?.();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#run;
    const { source } = this.#hub;
    const watcher: StreamWatcher = {
      onState: (state, reason) => {
        if (!signal.aborted && this.facts.moveTo(state, reason)) this.#events.onState();
      },
      onGap: (gap) => void (signal.aborted || this.#events.onGap(gap)),
      onPosition: (cursor) => void (signal.aborted || this.#at(cursor)),
    };
    try {
      const stream = source.open(this.#from, list(asked(this.#consumer.names)));
      for await (const streamed of stream.follow(watcher, signal)) {
        if (signal.aborted) return;
        this.#take(streamed);
        if (signal.aborted) return;
        while (this.#bytes >= BATCH_BYTES && !signal.aborted) await this.#flushed();
      }
      if (!signal.aborted) throw new SourceEnded(`${source.name} has ended`);
    } catch (error) {
      if (signal.aborted) return;
      const failure = ConsumeError.from(error);
      while (failure instanceof SourceEnded && this.#rests.length > 0) {
        await this.#flushed();
        if (signal.aborted) return;
      }
      if (!this.#hub.openOtherwise(failure, source)) return this.#consumer.endUpstream(failure);
      this.#from = this.#cursor ?? this.#from;
      await this.#follow();
    }
  }

  /** Resolves once the queue was written, as far as the connection accepts it. */
  async #flushed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      this.flush();
    });
  }

  #take({ event, cursor }: StreamedEvent): void {
    this.facts.saw(event);
    if (this.#consumer.wants(event.event_type)) {
      try {
        const rest = Buffer.from(encodeEventRest(cursor === undefined ? { event } : { event, cursor }));
        this.#rests.push(rest);
        this.#bytes += rest.length;
        this.#flushSoon();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#events.onGap({ missed: 1, message: error.message });
      }
    }
    if (cursor !== undefined) this.#at(cursor);
  }

  #at(cursor: string): void {
    this.#cursor = cursor;
    if (this.#rests.length === 0) this.#events.onWritten(cursor);
    this.meet();
  }

  // Combine events that arrive in the same turn into one write.
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  #write(): void {
    if (this.#rests.length === 0 || this.#run.signal.aborted) return;
    this.#consumer.write(this.#rests);
    this.#rests = [];
    this.#bytes = 0;
    this.#events.onWritten(this.#cursor);
  }
}
