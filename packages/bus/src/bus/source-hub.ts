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

/** Options of a {@link SourceHub}. */
export interface HubOptions {
  /** Contains no `names`; the hub merges those of its consumers. */
  readonly spec: SourceSpec;
  readonly openSource: BusOptions['openSource'];
  readonly limits: BusLimits;
  readonly log: Logger;
  /** The hub has failed, or had no consumers for a while. A later consumer needs a new hub. */
  readonly onOver: (hub: SourceHub) => void;
}

/** Start of a live stream: a ring position and a source cursor. */
interface Opening {
  readonly place: number;
  readonly cursor: string | undefined;
}

/**
 * One source and all its consumers. One live stream carries the events that any of them wants. If a new consumer wants
 * more, the stream is reopened from its last cursor. Each event is encoded once and stored in the ring, and every
 * consumer reads the ring at its own speed.
 */
export class SourceHub {
  readonly ring: EventRing;
  /** Keys of deliveries that group members have handled, whether or not the source has stored the outcome. */
  readonly done = new RecentKeys();
  facts: SourceFacts;
  readonly #options: HubOptions;
  readonly #opened: OpenedSource;
  readonly #consumers = new Set<Consumer>();
  readonly #groups = new Set<GroupReader>();
  /** For each reader, the opening from which on the ring has all events that it wants. */
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
        this.#reportGap(gap);
      },
      onPosition: (cursor) => {
        this.#cursor = cursor;
        this.ring.moveTo(cursor);
        for (const reader of this.#readers.keys()) reader.onPosition();
      },
      onFailed: (error) => this.#failed(error),
    });
  }

  /** The current source; another credential creates another one. */
  get source(): Source {
    return this.#opened.source;
  }

  /** Source state for the status response. */
  get status(): Omit<SourceStatus, 'type'> {
    const [group] = this.#groups;
    return (this.#live.opened === undefined && group !== undefined ? group.facts : this.facts).json;
  }

  /** Registers a consumer of this source. */
  enter(consumer: Consumer): void {
    this.#consumers.add(consumer);
  }

  leave(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    this.#linger();
  }

  /** Adds a reader. The live stream is reopened if it lacks names that the reader wants. */
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

  groupReaders(group: string): readonly GroupReader[] {
    return [...this.#groups].filter((reader) => reader.group === group);
  }

  deleteGroup(reader: GroupReader): void {
    this.#groups.delete(reader);
  }

  /** True if the live stream delivers every event that a reader wants. */
  hasAllFor(reader: HubReader): boolean {
    const opened = this.#live.opened;
    return this.#isConnected && opened !== undefined && covers(opened.names, reader.consumer.names);
  }

  /** The ring position after a cursor, if the ring retains every later event that the reader wants. */
  placeAfter(cursor: string, reader: HubReader): number | undefined {
    const place = this.ring.placeAfter(cursor);
    const opening = this.#readers.get(reader);
    if (place === undefined || opening === undefined || place < opening.place) return undefined;
    // Events between the previous cursor and this (re)open were read with the narrower filter.
    const isBefore = place === opening.place && cursor !== opening.cursor && cursor !== this.ring.position;
    return isBefore ? undefined : place;
  }

  /** The source state for a reader that waits for the live stream to cover its names. */
  factsFor(reader: HubReader): SourceFacts {
    const isReady = this.facts.state !== 'connected' || this.hasAllFor(reader);
    return isReady ? this.facts : new SourceFacts(this.source.name);
  }

  /** Writes events to the readers at the end of this turn, so that events of one turn share a write. */
  pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      for (const reader of this.#readers.keys()) reader.pump();
    });
  }

  /**
   * Reopens the source with another consumer's credential if the error is about the credential.
   *
   * @param source the source that failed; it may have been replaced meanwhile.
   * @returns true if the caller should retry.
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

  // True if the source may acknowledge the event: a consumer receives it, or it is undeliverable.
  #spread({ event, cursor }: StreamedEvent): boolean {
    const written = this.#write(cursor === undefined ? { event } : { event, cursor });
    this.#cursor = cursor ?? this.#cursor;
    if (written === undefined) return true;
    this.ring.push(written);
    let isDelivered = false;
    for (const reader of this.#readers.keys()) {
      if (reader.offer(written)) isDelivered = true;
    }
    if (isDelivered && !this.source.hasOffsets) this.#dedup.record(event.event_id);
    this.pumpSoon();
    return isDelivered;
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
      this.#reportGap({ missed: 1, message: error.message });
      return undefined;
    }
  }

  // Acknowledges or fails the event at a source that waits for a reply. Errors are only logged, so that readers do not wait.
  #answer(answered: Promise<void> | undefined): void {
    answered?.catch((error: unknown) => {
      this.#options.log.warn(
        { source: this.source.name, error: String(error) },
        'source rejected an acknowledgement',
      );
    });
  }

  #moveTo(state: StreamState, reason: string | undefined): void {
    this.#isConnected = state === 'connected';
    const isNew = this.facts.moveTo(state, reason);
    if (isNew) this.#options.log.info({ ...this.facts.json }, 'source');
    if (!isNew && !this.#isConnected) return;
    for (const reader of this.#readers.keys()) reader.onState();
  }

  #reportGap(gap: StreamGap): void {
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

  // Close a source without offsets as soon as it has no readers: events that it delivers in between would be lost.
  #linger(): void {
    if (this.#readers.size > 0) return;
    clearTimeout(this.#lingering);
    if (!this.source.hasOffsets) this.#leave();
    else this.#lingering = setTimeout(() => this.#leave(), this.#options.limits.lingerMs).unref();
  }

  #leave(): void {
    if (this.#readers.size > 0) return;
    // Events after this point do not follow those in the ring, so mark a gap.
    this.#live.close();
    this.#isConnected = false;
    this.#cursor = undefined;
    this.ring.breakOff();
    this.facts = new SourceFacts(this.source.name);
    if (this.#consumers.size === 0) this.#options.onOver(this);
  }
}
