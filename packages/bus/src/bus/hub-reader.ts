import type { SourceEnded, StreamGap } from '@weir/event/source';
import type { Consumer } from './consumer.js';
import { BATCH_BYTES } from './event-batch.js';
import type { RingEvent } from './event-ring.js';
import type { Reader } from './reader.js';
import { Replay } from './replay.js';
import type { SourceHub } from './source-hub.js';
import { type StatusOf, StatusReporter } from './status-reporter.js';

/**
 * Reads a source's events for one consumer. The reader first waits for the live stream to cover all events that it
 * wants, or replays from its start cursor. Then it has a position in the ring and writes events as fast as the
 * connection accepts them. Publishing never waits for a reader.
 */
export class HubReader implements Reader {
  readonly consumer: Consumer;
  readonly #hub: SourceHub;
  readonly #reporter: StatusReporter;
  #place: number | undefined;
  #replay: Replay | undefined;
  /** The consumer has received every matching event up to this cursor. */
  #cursor: string | undefined;
  /** Only for a bounded queue: number of matching events between the reader's position and the end of the ring. */
  #waiting = 0;
  #isStopped = false;
  #end: SourceEnded | undefined;

  constructor(consumer: Consumer, hub: SourceHub) {
    this.consumer = consumer;
    this.#hub = hub;
    this.#reporter = new StatusReporter(consumer.connection, () => this.#status);
  }

  start(): void {
    const { from = 'latest' } = this.consumer.hello;
    if (this.#isStopped) return;
    this.#hub.add(this);
    if (from === 'latest') this.onState();
    else this.#begin(from);
    this.#reporter.report();
  }

  /** Handles a state change of the hub's source. */
  onState(): void {
    if (this.#isStopped || this.#replay !== undefined) return;
    if (this.#place === undefined) {
      if (!this.#hub.hasAllFor(this)) return;
      this.#place = this.#hub.ring.end;
      this.#cursor = this.#hub.ring.position;
    }
    this.#reporter.report();
  }

  /** Reports lost events of the hub's source. During a replay, the replay's own stream reports them. */
  onGap(gap: StreamGap): void {
    if (this.#place !== undefined) this.#reporter.gap(gap);
  }

  /** The source has ended: ends the consumer once it has received all remaining events. A replay reaches the end by itself. */
  onEnd(end: SourceEnded): void {
    this.#end = end;
    this.pump();
  }

  /** Offers the newest event of the ring; returns true if this consumer will receive it. */
  offer(event: RingEvent): boolean {
    if (this.#place === undefined || !this.consumer.wants(event.type)) return false;
    if (this.consumer.hello.on_slow === 'replay') return true;
    this.#waiting += 1;
    if (this.#waiting > this.consumer.bufferSize) this.pump();
    if (this.#waiting <= this.consumer.bufferSize) return true;
    if (this.consumer.hello.on_slow === 'drop-oldest') {
      this.#dropOldest();
      return true;
    }
    this.consumer.endSlow(`More than ${this.consumer.bufferSize} events waited for it.`);
    return false;
  }

  pump(): void {
    this.#replay?.flush();
    const { ring } = this.#hub;
    while (this.#place !== undefined && this.#place < ring.end && this.consumer.connection.isFree) {
      if (this.#place < ring.first) this.#passed();
      else this.#writeSome(this.#place);
    }
    this.onPosition();
    const isBehind = this.#place !== undefined && this.#place < ring.end;
    if (this.#end !== undefined && this.#replay === undefined && !isBehind) {
      this.consumer.endUpstream(this.#end);
    }
  }

  /** Handles a new source position without an event. */
  onPosition(): void {
    const { ring } = this.#hub;
    if (this.#place === ring.end && ring.position !== undefined) {
      const isFirst = this.#cursor === undefined;
      this.#cursor = ring.position;
      // Report the first cursor, so that the consumer can resume even if the bus dies before the first event.
      if (isFirst) this.#reporter.report();
    }
    this.#replay?.meet();
  }

  freed(): void {
    this.#reporter.flush();
    this.pump();
  }

  reportStatus(): void {
    this.#reporter.report();
  }

  get queued(): number {
    if (this.#place === undefined) return this.#replay?.queued ?? 0;
    return this.#countFrom(this.#place);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#place = undefined;
    this.#replay?.close();
    this.#replay = undefined;
    this.#hub.delete(this);
  }

  async close(): Promise<void> {
    this.stop();
  }

  // Starts from a cursor, a time or the beginning: from the ring if it retains everything, else with a replay.
  #begin(from: string): void {
    const place = this.#placeAfter(from);
    if (place !== undefined) {
      this.#join(place, from);
      return;
    }
    // A consumer that only fell behind keeps the current state, or it would report a reconnect that did not happen.
    const state = this.#place === undefined ? 'connecting' : this.#hub.facts.state;
    this.#place = undefined;
    this.#replay = new Replay(
      this.consumer,
      this.#hub,
      { from, state },
      {
        placeAfter: (cursor) => this.#placeAfter(cursor),
        onMet: (place, cursor) => {
          this.#replay = undefined;
          this.#join(place, cursor);
        },
        onWritten: (cursor) => {
          this.#cursor = cursor;
        },
        onState: () => this.#reporter.report(),
        onGap: (gap) => this.#reporter.gap(gap),
      },
    );
    this.#replay.start();
  }

  #join(place: number, cursor: string): void {
    this.#place = place;
    this.#cursor = cursor;
    this.#waiting = this.consumer.hello.on_slow === 'replay' ? 0 : this.#countFrom(place);
    this.#reporter.report();
    this.#hub.pumpSoon();
  }

  // The ring position after a cursor, if the ring retains every matching event from there on. A bounded queue must not
  // start with more events than it holds.
  #placeAfter(cursor: string): number | undefined {
    const { ring } = this.#hub;
    const place = this.#hub.placeAfter(cursor, this);
    if (place === undefined) return undefined;
    const isBounded = this.consumer.hello.on_slow !== 'replay';
    return isBounded && ring.end - place > this.consumer.bufferSize ? undefined : place;
  }

  #writeSome(from: number): void {
    const { ring } = this.#hub;
    const rests: Buffer[] = [];
    let bytes = 0;
    let place = from;
    for (; place < ring.end && bytes < BATCH_BYTES; place++) {
      const event = ring.at(place);
      if (event === undefined) continue;
      this.#cursor = event.cursor;
      if (!this.consumer.wants(event.type)) continue;
      rests.push(event.rest);
      bytes += event.rest.length;
    }
    this.#place = place;
    this.#waiting -= Math.min(this.#waiting, rests.length);
    if (rests.length > 0) this.consumer.write(rests);
  }

  // The ring has evicted events that this reader has not read.
  #passed(): void {
    const { ring } = this.#hub;
    switch (this.consumer.hello.on_slow) {
      case 'disconnect':
        this.consumer.endSlow('Events arrived faster than it read them.');
        return;
      case 'drop-oldest':
        this.#forgetLost();
        break;
      case 'replay':
        if (this.#cursor !== undefined) {
          this.#begin(this.#cursor);
          return;
        }
        this.#reporter.gap({ message: 'Events arrived faster than they were read.' });
    }
    this.#place = ring.first;
  }

  // Counts events of a bounded queue that the ring evicted, by its limit in bytes, before they were written.
  #forgetLost(): void {
    const held = this.#countFrom(this.#hub.ring.first);
    this.consumer.drop(this.#waiting - held);
    this.#waiting = held;
  }

  #dropOldest(): void {
    const { ring } = this.#hub;
    if (this.#place === undefined) return;
    if (this.#place < ring.first) {
      this.#forgetLost();
      this.#place = ring.first;
    }
    while (this.#waiting > this.consumer.bufferSize) {
      const event = ring.at(this.#place);
      this.#place += 1;
      if (event === undefined || !this.consumer.wants(event.type)) continue;
      this.#waiting -= 1;
      this.consumer.drop(1);
    }
  }

  #countFrom(place: number): number {
    const { ring } = this.#hub;
    let count = 0;
    for (let at = Math.max(place, ring.first); at < ring.end; at++) {
      const event = ring.at(at);
      if (event !== undefined && this.consumer.wants(event.type)) count += 1;
    }
    return count;
  }

  get #status(): StatusOf {
    if (this.#replay !== undefined) return { facts: this.#replay.facts, cursor: this.#cursor };
    if (this.#place !== undefined) return { facts: this.#hub.facts, cursor: this.#cursor };
    return { facts: this.#hub.factsFor(this), cursor: undefined };
  }
}
