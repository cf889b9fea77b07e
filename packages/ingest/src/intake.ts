/** Appends valid events to the durable log, each id once. */
import { type Logger, Slice } from '@weir/base';
import { type Appended, type Log, LogError } from '@weir/log';
import type { Companion } from './companion.js';
import { writeEventKey } from './dedup/event-key.js';
import type { ClaimOutcome, Claims, IdReservation, IdWindow } from './dedup/id-window.js';
import { EntryWriter, entryBytesOf } from './entry-writer.js';
import { bufferFull, IngestError } from './errors.js';
import type { Flags } from './flags.js';
import type { LogShares } from './log-shares.js';
import type { IngestOptions } from './options.js';
import type { Pending } from './pending.js';
import type { LogRange } from './receipt.js';
import { Reservation } from './reservation.js';
import type { ValidEvent } from './validate.js';

/** Dependencies of an {@link Intake}. */
export interface IntakeParts {
  readonly log: Log;
  /** The stream of the log for events. */
  readonly stream: string;
  readonly ids: IdWindow;
  readonly pending: Pending;
  /** Bytes of the log by project. */
  readonly shares: LogShares;
  readonly flags: Flags;
  readonly logger: Logger;
  readonly options: IngestOptions;
  /** Called after each append. */
  readonly onAppended: (events: number, bytes: number) => void;
}

/** Events of one project that arrived together. */
export interface Arrival {
  readonly projectId: string;
  readonly events: readonly ValidEvent[];
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly companion?: Companion | undefined;
  /** Yields to the event loop between the parts of a large arrival. Default: a new slice. */
  readonly slice?: Slice | undefined;
}

/** A part of an arrival after its ids are claimed and its append has begun. */
interface Begun {
  readonly part: Arrival;
  /** Null if the part is the whole arrival. */
  readonly room: Reservation | null;
  readonly outcomes: readonly ClaimOutcome[];
  readonly accepted: number;
  readonly ranges: Promise<readonly LogRange[]>;
}

/** The events with `indexes` of a part, which {@link Intake} stores. */
interface Storing extends Pick<Begun, 'part' | 'room'> {
  readonly keys: Uint32Array;
  readonly indexes: readonly number[];
  readonly claims: Claims;
}

/** The result of an arrival. */
export interface Taken {
  /** New events, now in the log. */
  readonly accepted: number;
  /** Events with a known id. */
  readonly duplicates: number;
  /** Places of the new events in the log; empty with `ack: memory`. */
  readonly ranges: readonly LogRange[];
}

const NO_EVENTS: readonly ValidEvent[] = [];
/** Only for the types: `appendAll` returns a place for every part. */
const NOWHERE: Appended = { first: 1, last: 0 };

/** Accepts events. One instance for an ingest log. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #entries: EntryWriter;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#entries = new EntryWriter(parts.log.epoch);
  }

  /**
   * Accepts events. An arrival of more than {@link PART_EVENTS} events is stored in parts, in order, with turns of the
   * event loop between them. Buffer, project quota, log size and the table of ids are checked for all parts before the
   * first is stored.
   * @throws IngestError (`ingest_full`, `batch_too_large`, `ingest_down`), LogError (`log_full`, `project_quota`,
   *   `draining`). If the log fails between two parts, the earlier parts are stored and their ids are recognised in a
   *   retry.
   */
  async take(arrival: Arrival): Promise<Taken> {
    const { events, slice = new Slice() } = arrival;
    // A cheap lower estimate before any id is claimed, so that a rejection leaves no state.
    this.#checkRoom(
      events.length,
      events.reduce((sum, event) => sum + leastBytes(event), 0),
    );
    if (this.#parts.options.ack === 'memory' && !(await this.#parts.log.size()).writable) throw logFull();
    if (events.length <= PART_EVENTS) return await this.#finish(await this.#begin(arrival, null));
    const room = await this.#reserve(arrival, slice);
    const ids = this.#reserveIds(events.length, room);
    try {
      return await this.#takeParts(arrival, room, slice);
    } finally {
      room.release();
      ids.release();
    }
  }

  /** Reserves room for all events of an arrival, as if all were new. */
  async #reserve({ projectId, events }: Arrival, slice: Slice): Promise<Reservation> {
    const { log, pending, shares } = this.#parts;
    let bytes = 0;
    for (const part of partsOf(events)) {
      if (slice.isOver) await slice.next();
      bytes += entryBytesOf(part);
    }
    const size = await log.size();
    if (!size.writable || size.bytes + bytes > size.maxBytes) throw logFull();
    this.#checkRoom(events.length, bytes);
    this.#checkQuota(projectId, bytes);
    return new Reservation({ pending, shares, projectId, events: events.length, bytes });
  }

  #reserveIds(count: number, room: Reservation): IdReservation {
    try {
      return this.#parts.ids.reserve(count);
    } catch (error) {
      room.release();
      throw error;
    }
  }

  async #takeParts(arrival: Arrival, room: Reservation, slice: Slice): Promise<Taken> {
    const taken: Promise<Taken>[] = [];
    let hasFailed = false;
    try {
      for (const events of partsOf(arrival.events)) {
        if (slice.isOver) await slice.next();
        // Stop at the first failure: a later, smaller part might fit and leave a gap in the log.
        if (hasFailed) break;
        // Await the claims of a part, not its append: the appends share commits, and keep the order of the events.
        const done = this.#finish(await this.#begin({ ...arrival, events }, room));
        // Prevent an unhandled rejection; `sumOf` reports the error.
        done.catch(() => {
          hasFailed = true;
        });
        taken.push(done);
      }
    } catch (error) {
      await Promise.allSettled(taken);
      throw error;
    }
    return await sumOf(taken);
  }

  /** Claims the ids of a part and begins its append, in one turn of the event loop. */
  async #begin(part: Arrival, room: Reservation | null): Promise<Begun> {
    const { ids } = this.#parts;
    const keys = keysOf(part);
    let claims: Claims | null = null;
    while (claims === null) {
      const lookup = ids.lookup(keys);
      // Only ids that may be on disk cost a turn of the event loop.
      claims = ids.claim(keys, lookup instanceof Promise ? await lookup : lookup, room !== null);
    }
    const { outcomes } = claims;
    const indexes = newIndexes(outcomes);
    const ranges = this.#store({ part, room, keys, indexes, claims });
    return { part, room, outcomes, accepted: indexes.length, ranges };
  }

  /**
   * Waits for the append of a part and for the first copies of its other events. Stores those whose first copy failed.
   */
  async #finish({ part, room, outcomes, accepted, ranges: appending }: Begun): Promise<Taken> {
    const ranges = await appending;
    const events = outcomes.every((outcome) => outcome === 'new')
      ? NO_EVENTS
      : await lostCopies(part.events, outcomes);
    const duplicates = part.events.length - accepted - events.length;
    if (events.length === 0) return { accepted, duplicates, ranges };
    const lost = { ...part, events };
    const again = await (room === null ? this.take(lost) : this.#finish(await this.#begin(lost, room)));
    return {
      accepted: accepted + again.accepted,
      duplicates: duplicates + again.duplicates,
      ranges: [...ranges, ...again.ranges],
    };
  }

  /** Appends the new events. Settles the claims by the result, with `ack: memory` after it has resolved. */
  async #store({ part, room, keys, indexes, claims }: Storing): Promise<readonly LogRange[]> {
    const { projectId, events, receivedAt } = part;
    let appended: Promise<LogRange | null>;
    try {
      const entries = this.#entries.write(projectId, receivedAt, events, keys, indexes);
      appended =
        entries.length === 0 ? Promise.resolve(null) : this.#append(part, room, entries, indexes.length);
    } catch (error) {
      claims.settle(null);
      throw error;
    }
    const settled = appended.then(
      (range) => {
        claims.settle(range?.last ?? 0);
        return range === null ? [] : [range];
      },
      (error: unknown) => {
        claims.settle(null);
        throw error;
      },
    );
    if (this.#parts.options.ack === 'durable') return await settled;
    settled.catch((error: unknown) => {
      this.#parts.logger.error(
        { err: error, events: indexes.length },
        'events acknowledged from memory were lost',
      );
    });
    return [];
  }

  #append(
    { projectId, companion }: Arrival,
    room: Reservation | null,
    entries: readonly Buffer[],
    events: number,
  ): Promise<LogRange> {
    const { log, stream, pending, shares, onAppended } = this.#parts;
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    if (room !== null) {
      room.spend(events, bytes);
    } else {
      this.#checkRoom(events, bytes);
      this.#checkQuota(projectId, bytes);
      pending.add(events, bytes);
      shares.begin(projectId, bytes);
    }
    const beside = companion?.part(events);
    return log.appendAll([{ stream, entries }, ...(beside === undefined ? [] : [beside])]).then(
      ([place = NOWHERE, besidePlace = null]) => {
        onAppended(events, bytes);
        shares.stored(projectId, bytes, place.last);
        if (beside !== undefined) companion?.settled(beside, besidePlace);
        return { first: place.first, last: place.last, events };
      },
      (error: unknown) => {
        pending.remove(events, bytes);
        shares.failed(projectId, bytes);
        if (beside !== undefined) companion?.settled(beside, null);
        throw refusalOf(error);
      },
    );
  }

  #checkQuota(projectId: string, bytes: number): void {
    const { log, shares } = this.#parts;
    try {
      log.checkQuota(shares.of(projectId), bytes);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #checkRoom(events: number, bytes: number): void {
    const { pending, flags, options } = this.#parts;
    if (bytes > options.eventBufferBytes) {
      const limit = options.eventBufferBytes;
      throw new IngestError('batch_too_large', `a batch holds at most ${limit} bytes`, { limit });
    }
    // While no store accepts events, spooling fills the log up to its limit.
    const isSpooling = flags.fatal && options.onFatal === 'spool';
    if (isSpooling) return;
    const full = pending.fullOf(events, bytes);
    if (full !== null) throw bufferFull(full.what, full.limit);
  }
}

/** Events of one part: hashing, looking up and encoding them takes a few milliseconds. */
const PART_EVENTS = 500;

/** Minimum bytes of an event's row, known before it is encoded. */
function leastBytes({ properties, extras }: ValidEvent): number {
  return properties.length + extras.length;
}

function* partsOf(events: readonly ValidEvent[]): Generator<readonly ValidEvent[]> {
  for (let start = 0; start < events.length; start += PART_EVENTS) {
    yield events.slice(start, start + PART_EVENTS);
  }
}

/** Waits for all parts, even if one fails: until then they use memory. */
async function sumOf(parts: readonly Promise<Taken>[]): Promise<Taken> {
  await Promise.allSettled(parts);
  const all = await Promise.all(parts);
  return {
    accepted: all.reduce((sum, { accepted }) => sum + accepted, 0),
    duplicates: all.reduce((sum, { duplicates }) => sum + duplicates, 0),
    ranges: all.flatMap(({ ranges }) => ranges),
  };
}

function keysOf({ projectId, events }: Arrival): Uint32Array {
  const keys = new Uint32Array(events.length * 4);
  events.forEach((event, index) => {
    if (event.event_id !== null) writeEventKey(projectId, event.event_id, keys, index);
  });
  return keys;
}

function newIndexes(outcomes: readonly ClaimOutcome[]): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < outcomes.length; index += 1) if (outcomes[index] === 'new') indexes.push(index);
  return indexes;
}

/** Waits for first copies in progress; returns the events whose first copy failed. */
async function lostCopies(
  events: readonly ValidEvent[],
  outcomes: readonly ClaimOutcome[],
): Promise<ValidEvent[]> {
  const lost: ValidEvent[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const event = events[index];
    if (typeof outcome !== 'string' && event !== undefined && !(await outcome)) lost.push(event);
  }
  return lost;
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof LogError) || error.code !== 'store_unavailable') return error;
  const message = 'the log cannot be written; the server must be restarted';
  return new IngestError('ingest_down', message, { cause: error });
}

function logFull(): LogError {
  return new LogError('log_full', 'the log is full; it recovers by itself');
}
