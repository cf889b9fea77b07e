/** Valid events into the durable log, each id once. */
import { Slice } from '@weir/base';
import { type Appended, type Log, LogError } from '@weir/log';
import type { Companion } from './companion.js';
import { writeEventKey } from './dedup/event-key.js';
import type { ClaimOutcome, Claims, IdWindow } from './dedup/id-window.js';
import { EntryWriter } from './entry-writer.js';
import { BufferFullError, IngestError } from './errors.js';
import type { Flags } from './flags.js';
import type { LogShares } from './log-shares.js';
import type { Logger } from './logger.js';
import type { IngestOptions } from './options.js';
import type { Pending } from './pending.js';
import type { LogRange } from './receipt.js';
import type { ValidEvent } from './validate.js';

/** What an {@link Intake} works with. */
export interface IntakeParts {
  readonly log: Log;
  /** Stream of the log that events go to. */
  readonly stream: string;
  readonly ids: IdWindow;
  readonly pending: Pending;
  /** Bytes of the log that each project has. */
  readonly shares: LogShares;
  readonly flags: Flags;
  readonly logger: Logger;
  readonly options: IngestOptions;
  /** Told of what has been appended. */
  readonly onAppended: (events: number, bytes: number) => void;
}

/** Events of one project that arrived together. */
export interface Arrival {
  readonly projectId: string;
  readonly events: readonly ValidEvent[];
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly companion?: Companion | undefined;
  /** Gives up the event loop between the parts of a large arrival. Default: one of its own. */
  readonly slice?: Slice | undefined;
}

/** What is stored in one turn of the event loop, and in one append. */
interface Part extends Arrival {
  /** Room in the buffer that was reserved for it. */
  readonly reserved: { readonly events: number; readonly bytes: number };
}

/** What became of an arrival. */
export interface Taken {
  /** New events, now in the log. */
  readonly accepted: number;
  /** Events whose id was known. */
  readonly duplicates: number;
  /** Where the new events are; empty where nobody waited for the disk. */
  readonly ranges: readonly LogRange[];
}

/** No place: never answered for a part that was asked for. */
const NOWHERE: Appended = { first: 1, last: 0 };

/** Takes events. One for an ingest log. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #entries: EntryWriter;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#entries = new EntryWriter(parts.log.epoch);
  }

  /**
   * Takes events. An arrival of more than {@link PART_EVENTS} events is stored in parts with turns of the event loop between
   * them. Room for all of it is reserved first, so that a full buffer refuses all of it or none.
   * @throws BufferFullError, IngestError (`log_full`, `project_quota`, `batch_too_large`, `draining`). Where that happens between two parts,
   * the first ones are stored, and a retry recognises their ids.
   */
  async take(arrival: Arrival): Promise<Taken> {
    const { events, companion, slice = new Slice() } = arrival;
    const { pending } = this.#parts;
    const bytes = events.reduce((sum, event) => sum + leastBytes(event), 0);
    // Before any id is claimed: a refusal must leave nothing behind.
    this.#checkRoom(events.length, bytes);
    if (this.#parts.options.ack === 'memory' && !(await this.#parts.log.size()).writable) throw logFull();
    if (events.length <= PART_EVENTS) {
      return await this.#takePart({ ...arrival, reserved: { events: 0, bytes: 0 } });
    }
    pending.add(events.length, bytes);
    const taken: Promise<Taken>[] = [];
    let stored = 0;
    try {
      for (; stored < events.length; stored += PART_EVENTS) {
        if (slice.isOver) await slice.next();
        const some = events.slice(stored, stored + PART_EVENTS);
        const reserved = {
          events: some.length,
          bytes: some.reduce((sum, event) => sum + leastBytes(event), 0),
        };
        const isLast = stored + PART_EVENTS >= events.length;
        // What goes into the log with the last part states the number of all events.
        const before = isLast && companion !== undefined ? (await sumOf(taken)).accepted : 0;
        const part = {
          ...arrival,
          events: some,
          reserved,
          companion: isLast ? afterOthers(companion, before) : undefined,
        };
        const done = this.#takePart(part);
        // It is awaited with the others.
        done.catch(() => {});
        taken.push(done);
      }
    } finally {
      for (const event of events.slice(stored)) pending.remove(1, leastBytes(event));
    }
    return await sumOf(taken);
  }

  async #takePart(part: Part): Promise<Taken> {
    const { events } = part;
    const { ids, pending } = this.#parts;
    const { reserved } = part;
    const keys = keysOf(part);
    let claims: Claims | null = null;
    try {
      while (claims === null) {
        const lookup = ids.lookup(keys);
        // Only an id that may be on disk costs a turn of the event loop.
        claims = ids.claim(keys, lookup instanceof Promise ? await lookup : lookup);
      }
    } finally {
      pending.remove(reserved.events, reserved.bytes);
    }
    const indexes = newIndexes(claims.outcomes);
    const ranges = await this.#store(part, keys, indexes, claims);
    const lost = await lostCopies(events, claims.outcomes);
    const duplicates = events.length - indexes.length - lost.length;
    if (lost.length === 0) return { accepted: indexes.length, duplicates, ranges };
    const { projectId, receivedAt } = part;
    const again = await this.take({ projectId, events: lost, receivedAt });
    return {
      accepted: indexes.length + again.accepted,
      duplicates: duplicates + again.duplicates,
      ranges: [...ranges, ...again.ranges],
    };
  }

  /** Appends the new events; the claims are settled by how that went, also where nobody waits for it. */
  async #store(
    { projectId, events, receivedAt, companion }: Part,
    keys: Uint32Array,
    indexes: readonly number[],
    claims: Claims,
  ): Promise<readonly LogRange[]> {
    let appended: Promise<LogRange | null>;
    try {
      const entries = this.#entries.write(projectId, receivedAt, events, keys, indexes);
      appended =
        entries.length === 0
          ? Promise.resolve(null)
          : this.#append(projectId, entries, indexes.length, companion);
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
    projectId: string,
    entries: readonly Buffer[],
    events: number,
    companion: Companion | undefined,
  ): Promise<LogRange> {
    const { log, stream, pending, shares, onAppended } = this.#parts;
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    this.#checkRoom(events, bytes);
    this.#checkQuota(projectId, bytes);
    pending.add(events, bytes);
    shares.begin(projectId, bytes);
    const part = companion?.part(events);
    return log.appendAll([{ stream, entries }, ...(part === undefined ? [] : [part])]).then(
      ([place = NOWHERE, beside = null]) => {
        onAppended(events, bytes);
        shares.stored(projectId, bytes, place.last);
        companion?.settled(beside);
        return { first: place.first, last: place.last, events };
      },
      (error: unknown) => {
        pending.remove(events, bytes);
        shares.failed(projectId, bytes);
        companion?.settled(null);
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
      throw new IngestError('batch_too_large', `a batch holds at most ${options.eventBufferBytes} bytes`);
    }
    // While neither store takes events, spooling fills the log as far as that goes.
    const isSpooling = flags.fatal && options.onFatal === 'spool';
    if (!isSpooling && !pending.hasRoom(events, bytes)) throw new BufferFullError();
  }
}

/** Events of one part: their ids are hashed, looked up and laid out in a few milliseconds. */
const PART_EVENTS = 500;

/** Bytes of an event's row at least: what is known before it is written. */
function leastBytes({ properties, extras }: ValidEvent): number {
  return properties.length + extras.length;
}

function afterOthers(companion: Companion | undefined, accepted: number): Companion | undefined {
  if (companion === undefined || accepted === 0) return companion;
  return {
    part: (own) => companion.part(accepted + own),
    settled: (place) => companion.settled(place),
  };
}

/** Waits for all parts, also if one fails: until then they use memory. */
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

/** Waits for first copies that were being written; the events whose first copy failed. */
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
  if (!(error instanceof LogError)) return error;
  if (error.code === 'log_closed') {
    return new IngestError('draining', 'this node is shutting down', { cause: error });
  }
  if (error.code === 'project_quota') {
    return new IngestError(
      'project_quota',
      'the project has more than a quarter of the log, and less than a quarter is free; send again after the Retry-After seconds',
      { cause: error },
    );
  }
  if (error.code === 'log_failed') {
    return new IngestError('ingest_down', 'the log cannot be written; the server must be restarted', {
      cause: error,
    });
  }
  return error.retryable ? logFull(error) : error;
}

function logFull(cause?: LogError): IngestError {
  return new IngestError('log_full', 'the log is full; it recovers by itself', { cause });
}
