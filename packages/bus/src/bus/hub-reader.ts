import type { SourceEnded, StreamGap } from '@weir/event/source';
import type { Consumer } from './consumer.js';
import { BATCH_BYTES } from './event-batch.js';
import type { RingEvent } from './event-ring.js';
import type { Reader } from './reader.js';
import { Replay } from './replay.js';
import type { SourceHub } from './source-hub.js';
import { type StatusOf, ToldStatus } from './told-status.js';

/**
 * A consumer's way through the events of a source. It waits until everything from now on comes, or replays from where
 * it was told to begin; from then on it has a place in the ring and takes what it wants from there, as fast as its
 * connection does. Publishing never waits for it.
 */
export class HubReader implements Reader {
  readonly consumer: Consumer;
  readonly #hub: SourceHub;
  readonly #told: ToldStatus;
  #place: number | undefined;
  #replay: Replay | undefined;
  /** Everything wanted up to here was written. */
  #cursor: string | undefined;
  /** Of a bounded queue: how many wanted events lie between its place and the end of the ring. */
  #waiting = 0;
  #isStopped = false;
  #end: SourceEnded | undefined;

  constructor(consumer: Consumer, hub: SourceHub) {
    this.consumer = consumer;
    this.#hub = hub;
    this.#told = new ToldStatus(consumer.connection, () => this.#status);
  }

  start(): void {
    const { from = 'latest' } = this.consumer.hello;
    if (this.#isStopped) return;
    this.#hub.add(this);
    if (from === 'latest') this.onState();
    else this.#begin(from);
    this.#told.tell();
  }

  /** The hub's source has another state. */
  onState(): void {
    if (this.#isStopped || this.#replay !== undefined) return;
    if (this.#place === undefined) {
      if (!this.#hub.hasAllFor(this)) return;
      this.#place = this.#hub.ring.end;
      this.#cursor = this.#hub.ring.position;
    }
    this.#told.tell();
  }

  /** Events are gone from the hub's source; one that replays hears so from its own. */
  onGap(gap: StreamGap): void {
    if (this.#place !== undefined) this.#told.gap(gap);
  }

  /** Nothing more comes: it ends once it has had what there is. One that replays comes to the end by itself. */
  onEnd(end: SourceEnded): void {
    this.#end = end;
    this.pump();
  }

  /** The newest event of the ring; says whether this consumer will get it. */
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

  /** The hub's source is further on. */
  onPosition(): void {
    const { ring } = this.#hub;
    if (this.#place === ring.end && ring.position !== undefined) {
      const isFirst = this.#cursor === undefined;
      this.#cursor = ring.position;
      // Now it knows where to come back to, should the bus die before there is an event.
      if (isFirst) this.#told.tell();
    }
    this.#replay?.meet();
  }

  freed(): void {
    this.#told.flush();
    this.pump();
  }

  tell(): void {
    this.#told.tell();
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

  // From a cursor, a time or the beginning, unless the ring has it all.
  #begin(from: string): void {
    const place = this.#placeAfter(from);
    if (place !== undefined) {
      this.#join(place, from);
      return;
    }
    // To a consumer that merely fell behind, nothing is disconnected.
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
        onState: () => this.#told.tell(),
        onGap: (gap) => this.#told.gap(gap),
      },
    );
    this.#replay.start();
  }

  #join(place: number, cursor: string): void {
    this.#place = place;
    this.#cursor = cursor;
    this.#waiting = this.consumer.hello.on_slow === 'replay' ? 0 : this.#countFrom(place);
    this.#told.tell();
    this.#hub.pumpSoon();
  }

  // Where the ring goes on after a cursor, when everything this consumer wants is in it from there on. A bounded queue
  // does not begin with more than it holds.
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

  // The ring has gone on without this consumer.
  #passed(): void {
    const { ring } = this.#hub;
    switch (this.consumer.hello.on_slow) {
      case 'disconnect':
        this.consumer.endSlow('Events came faster than it took them.');
        return;
      case 'drop-oldest':
        this.#forgetLost();
        break;
      case 'replay':
        if (this.#cursor !== undefined) {
          this.#begin(this.#cursor);
          return;
        }
        this.#told.gap({ message: 'Events came faster than they were taken.' });
    }
    this.#place = ring.first;
  }

  // Of a bounded queue, what the ring forgot before it was written: few but large events.
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
