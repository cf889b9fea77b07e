/** Valid events into the durable log, each id once. */
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
interface Arrival {
  readonly projectId: string;
  readonly events: readonly ValidEvent[];
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly companion: Companion | undefined;
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

  /** @throws BufferFullError, IngestError (`log_full`, `project_quota`, `batch_too_large`, `draining`) */
  async take(
    projectId: string,
    events: readonly ValidEvent[],
    receivedAt: number,
    companion?: Companion,
  ): Promise<Taken> {
    const { ids } = this.#parts;
    const arrival = { projectId, events, receivedAt, companion };
    // Before any id is claimed: a refusal must leave nothing behind.
    this.#checkRoom(events.length, 0);
    if (this.#parts.options.ack === 'memory' && !(await this.#parts.log.size()).writable) throw logFull();
    const keys = keysOf(arrival);
    let claims: Claims | null = null;
    while (claims === null) {
      const lookup = ids.lookup(keys);
      // Only an id that may be on disk costs a turn of the event loop.
      claims = ids.claim(keys, lookup instanceof Promise ? await lookup : lookup);
    }
    const indexes = newIndexes(claims.outcomes);
    const ranges = await this.#store(arrival, keys, indexes, claims);
    const lost = await lostCopies(events, claims.outcomes);
    const duplicates = events.length - indexes.length - lost.length;
    if (lost.length === 0) return { accepted: indexes.length, duplicates, ranges };
    const again = await this.take(projectId, lost, receivedAt);
    return {
      accepted: indexes.length + again.accepted,
      duplicates: duplicates + again.duplicates,
      ranges: [...ranges, ...again.ranges],
    };
  }

  /** Appends the new events; the claims are settled by how that went, also where nobody waits for it. */
  async #store(
    { projectId, events, receivedAt, companion }: Arrival,
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
