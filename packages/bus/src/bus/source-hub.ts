import type { Logger } from '@weir/base';
import { DedupFilter } from '@weir/event/dedup-filter';
import type { StreamedEvent, StreamGap, StreamState } from '@weir/event/source';
import { type ConsumeError, type Source, SourceEnded, type SourceSpec } from '@weir/event/source';
import { encodeEventRest } from '../protocol/encode.js';
import { ProtocolError } from '../protocol/index.js';
import type { SourceStatus } from '../protocol/status.js';
import { RecentKeys } from '../recent-keys.js';
import type { BusLimits } from './bus-limits.js';
import type { BusOptions } from './bus-options.js';
import type { Consumer } from './consumer.js';
import { EventRing, type RingEvent } from './event-ring.js';
import type { GroupReader } from './group-reader.js';
import type { HubReader } from './hub-reader.js';
import { LiveStream } from './live-stream.js';
import { asked, covers, union } from './names.js';
import { OpenedSource } from './opened-source.js';
import { SourceFacts } from './source-facts.js';

/** What a hub is made of. */
export interface HubOptions {
  /** Without names. */
  readonly spec: SourceSpec;
  readonly openSource: BusOptions['openSource'];
  readonly limits: BusLimits;
  readonly log: Logger;
  /** Whoever comes now needs another hub: this one failed, or has had no consumers for a while. */
  readonly onOver: (hub: SourceHub) => void;
}

/** Where a live stream that brings enough began: at a place of the ring, and at a cursor of the source. */
interface Opening {
  readonly place: number;
  readonly cursor: string | undefined;
}

/**
 * One source and all its consumers. Their events come over one live stream, which brings what any of them wants and is
 * opened anew from its last cursor when somebody wants more. Each event is written once, into the ring, from where
 * every consumer takes it at its own speed.
 */
export class SourceHub {
  readonly ring: EventRing;
  /** Keys of deliveries that members of groups are done with, whether or not the source knows. */
  readonly done = new RecentKeys();
  facts: SourceFacts;
  readonly #options: HubOptions;
  readonly #opened: OpenedSource;
  readonly #consumers = new Set<Consumer>();
  readonly #groups = new Set<GroupReader>();
  /** The readers, and from where on the ring has all that each wants. */
  readonly #readers = new Map<HubReader, Opening>();
  readonly #dedup = new DedupFilter();
  readonly #live: LiveStream;
  #opening: Opening = { place: 0, cursor: undefined };
  #isConnected = false;
  #cursor: string | undefined;
  #isPumping = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(credential: string | undefined, options: HubOptions) {
    this.#options = options;
    this.#opened = new OpenedSource(credential, (other) => options.openSource(options.spec, other));
    this.ring = new EventRing(options.limits.ringEvents, options.limits.ringBytes);
    this.facts = new SourceFacts(this.source.name);
    this.#live = new LiveStream({
      onEvent: (streamed) => this.#publish(streamed),
      onState: (state, reason) => this.#moveTo(state, reason),
      onGap: (gap) => {
        this.ring.breakOff();
        this.#tellGap(gap);
      },
      onPosition: (cursor) => {
        this.#cursor = cursor;
        this.ring.moveTo(cursor);
        for (const reader of this.#readers.keys()) reader.onPosition();
      },
      onFailed: (error) => this.#failed(error),
    });
  }

  /** As it is now: with another credential it is another one. */
  get source(): Source {
    return this.#opened.source;
  }

  /** How it is, for everybody. */
  get status(): Omit<SourceStatus, 'type'> {
    const [group] = this.#groups;
    return (this.#live.opened === undefined && group !== undefined ? group.facts : this.facts).json;
  }

  /** Somebody needs the source. */
  enter(consumer: Consumer): void {
    this.#consumers.add(consumer);
  }

  leave(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    this.#linger();
  }

  /** A reader gets all events that come, from a place on that it asks for next. */
  add(reader: HubReader): void {
    const opened = this.#live.opened;
    const isCovered = opened !== undefined && covers(opened.names, reader.consumer.names);
    if (!isCovered) this.#opening = { place: this.ring.end, cursor: this.#cursor };
    this.#readers.set(reader, this.#opening);
    if (!isCovered) this.#open();
  }

  delete(reader: HubReader): void {
    this.#readers.delete(reader);
    this.#linger();
  }

  addGroup(reader: GroupReader): void {
    this.#groups.add(reader);
  }

  /** The readers of one group. */
  groupReaders(group: string): readonly GroupReader[] {
    return [...this.#groups].filter((reader) => reader.group === group);
  }

  deleteGroup(reader: GroupReader): void {
    this.#groups.delete(reader);
  }

  /** Whether everything that a reader wants comes from now on. */
  hasAllFor(reader: HubReader): boolean {
    const opened = this.#live.opened;
    return this.#isConnected && opened !== undefined && covers(opened.names, reader.consumer.names);
  }

  /** The place after a cursor, when the ring has all that follows it and a reader wants. */
  placeAfter(cursor: string, reader: HubReader): number | undefined {
    const place = this.ring.placeAfter(cursor);
    const opening = this.#readers.get(reader);
    if (place === undefined || opening === undefined || place < opening.place) return undefined;
    // What came between the last event before the opening and the opening itself was not asked for then.
    const isBefore = place === opening.place && cursor !== opening.cursor && cursor !== this.ring.position;
    return isBefore ? undefined : place;
  }

  /** How the source is to a reader that waits for it. */
  factsFor(reader: HubReader): SourceFacts {
    const isReady = this.facts.state !== 'connected' || this.hasAllFor(reader);
    return isReady ? this.facts : new SourceFacts(this.source.name);
  }

  /** Gives readers their events once those that come together are there. */
  pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      for (const reader of this.#readers.keys()) reader.pump();
    });
  }

  /**
   * Opens the source with the credential of another consumer, when that may help.
   *
   * @param source what the error comes from: it may be another one by now.
   * @returns whether there is something to try.
   */
  openOtherwise(error: ConsumeError, source: Source): boolean {
    if (error.kind !== 'auth') return false;
    if (source !== this.source) return true;
    const credentials = [...this.#consumers].map(({ hello }) => hello.credential);
    if (!this.#opened.tryAnother(credentials)) return false;
    this.#options.log.warn({ source: source.name }, 'source refused a credential, another is tried');
    if (this.#readers.size > 0) this.#open();
    return true;
  }

  close(): void {
    clearTimeout(this.#lingering);
    this.#live.close();
  }

  #open(): void {
    this.#isConnected = false;
    this.#opening = { place: this.ring.end, cursor: this.#cursor };
    const names = asked(union([...this.#readers.keys()].map(({ consumer }) => consumer.names)));
    this.#live.open(this.source, this.#cursor ?? 'latest', names);
  }

  #publish(streamed: StreamedEvent): void {
    this.facts.saw(streamed.event);
    const isDuplicate = !this.source.hasOffsets && this.#dedup.has(streamed.event.event_id);
    const isDone = isDuplicate || this.#spread(streamed);
    this.#answer(isDone ? streamed.ack?.() : streamed.fail?.());
  }

  // Says whether the event needs to come no more: somebody took it, or nobody ever can.
  #spread({ event, cursor }: StreamedEvent): boolean {
    const written = this.#write(cursor === undefined ? { event } : { event, cursor });
    this.#cursor = cursor ?? this.#cursor;
    if (written === undefined) return true;
    this.ring.push(written);
    let isTaken = false;
    for (const reader of this.#readers.keys()) {
      if (reader.offer(written)) isTaken = true;
    }
    if (isTaken && !this.source.hasOffsets) this.#dedup.record(event.event_id);
    this.pumpSoon();
    return isTaken;
  }

  #write(streamed: StreamedEvent): RingEvent | undefined {
    try {
      const rest = Buffer.from(encodeEventRest(streamed));
      return { rest, type: streamed.event.event_type, cursor: streamed.cursor };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.log.warn(
        {
          source: this.source.name,
          error: error.message,
        },
        'event does not fit the bus',
      );
      this.#tellGap({ missed: 1, message: error.message });
      return undefined;
    }
  }

  // A source that waits for an answer hears what became of its event; nobody here waits for that.
  #answer(told: Promise<void> | undefined): void {
    told?.catch((error: unknown) => {
      this.#options.log.warn({ source: this.source.name, error: String(error) }, 'source took no answer');
    });
  }

  #moveTo(state: StreamState, reason: string | undefined): void {
    this.#isConnected = state === 'connected';
    const isNew = this.facts.moveTo(state, reason);
    if (isNew) this.#options.log.info({ ...this.facts.json }, 'source');
    if (!isNew && !this.#isConnected) return;
    for (const reader of this.#readers.keys()) reader.onState();
  }

  #tellGap(gap: StreamGap): void {
    for (const reader of this.#readers.keys()) reader.onGap(gap);
  }

  #failed(error: ConsumeError): void {
    this.#isConnected = false;
    if (this.openOtherwise(error, this.source)) return;
    const facts = { source: this.source.name, code: error.code, error: error.message };
    const isEnd = error instanceof SourceEnded;
    if (isEnd) this.#options.log.info(facts, 'source ended');
    else this.#options.log.error(facts, 'source failed');
    this.#options.onOver(this);
    for (const reader of [...this.#readers.keys()]) {
      if (isEnd) reader.onEnd(error);
      else reader.consumer.endUpstream(error);
    }
  }

  // What a source without offsets brings while nobody is there would be gone.
  #linger(): void {
    if (this.#readers.size > 0) return;
    clearTimeout(this.#lingering);
    if (!this.source.hasOffsets) this.#leave();
    else this.#lingering = setTimeout(() => this.#leave(), this.#options.limits.lingerMs).unref();
  }

  #leave(): void {
    if (this.#readers.size > 0) return;
    // Nothing comes from here on, so what comes later does not go on from what is here.
    this.#live.close();
    this.#isConnected = false;
    this.#cursor = undefined;
    this.ring.breakOff();
    this.facts = new SourceFacts(this.source.name);
    if (this.#consumers.size === 0) this.#options.onOver(this);
  }
}
