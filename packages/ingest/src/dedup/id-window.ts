/**
 * Which events have been here before.
 *
 * The ids of accepted events stand in the log entries themselves, so they are durable in the very commit that makes
 * their event durable. This window is a reader of that log: recent ids are in a table in memory, older ones in runs
 * (id-run), and the reader's cursor says from which entry on the table is to be filled again after a restart.
 *
 * An id is claimed while its event's append is under way and counts as known only once that append is durable. A
 * copy that comes in between waits: it is a duplicate if the append succeeds and is stored itself if it fails.
 * Claiming before the write, as a simple "set if absent" does, would lose the event of a failed write to its own
 * retry.
 */
import { randomInt } from 'node:crypto';
import { Slice } from '@weir/base';
import { type Cursor, type Log, LogError } from '@weir/log';
import { bufferFull } from '../errors.js';
import { ID_BYTES } from './event-key.js';
import { IdRun, type RunDescription } from './id-run.js';
import { IdTable } from './id-table.js';

/** Value in a table of an id whose event is durable. Running submissions have greater numbers. */
const DURABLE = 1;
/** A run covers at most this part of the window, so that dropping runs whole keeps ids little longer than asked. */
const RUNS_PER_WINDOW = 24;
/** A table fuller than this would be slow to search. */
const MAX_FILL = 0.75;

/** Settings of an {@link IdWindow}. */
export interface IdWindowOptions {
  /** How long an id is known, milliseconds by arrival; at most 1/24 longer. */
  readonly windowMs: number;
  /** Ids kept at most; beyond it the oldest go before their time. */
  readonly maxIds: number;
  /** Ids in memory before they are written out as a run. Default 2^19. */
  readonly tableIds?: number;
  /** The clock, epoch milliseconds. */
  readonly now: () => number;
}

/** What the runs on disk know of a submission's ids. */
export interface Lookup {
  readonly runs: readonly IdRun[];
  /** Indexes of the ids that are in a run. */
  readonly found: ReadonlySet<number>;
}

/** Filters asked for the ids of one submission at once; a larger submission is looked up in slices. */
const CHECKS = 20_000;
const NOTHING: ReadonlySet<number> = new Set();

/** What became of one submission's ids. */
export interface Claims {
  /** Per event: it is new and now claimed, it is known, or its first copy is still being written. */
  readonly outcomes: readonly ClaimOutcome[];
  /** Ends the claims: the append became durable up to `lastOffset`, or failed (null). */
  settle(lastOffset: number | null): void;
}

/** See {@link Claims}. A promise resolves to whether the first copy became durable. */
export type ClaimOutcome = 'new' | 'known' | Promise<boolean>;

interface Generation {
  readonly table: IdTable;
  /** First arrival, epoch milliseconds. */
  since: number;
  /** Log offset up to which every id of this and earlier generations came. */
  lastOffset: number;
  readonly running: Set<Promise<boolean>>;
}

interface StoredState {
  readonly runs: readonly RunDescription[];
  /** Since when ids are complete, where older ones were dropped for space. */
  readonly completeSince: number;
}

/** Room in the table for the ids of a submission that is claimed in parts. */
export interface IdReservation {
  /** Returns the room; further calls have no effect. */
  release(): void;
}

/** Recognises events by the keys of their ids. One for a log stream. */
export class IdWindow {
  readonly #log: Log;
  readonly #stream: string;
  readonly #cursor: Cursor;
  readonly #options: Required<IdWindowOptions>;
  /** Submissions still being written, by number: whether each becomes durable. */
  readonly #submissions = new Map<number, Promise<boolean>>();
  #nextSubmission = DURABLE + 1;
  /** Ids for which room is reserved. */
  #reserved = 0;
  #current: Generation;
  #sealed: Generation | null = null;
  #runs: readonly IdRun[] = [];
  #completeSince = 0;
  #spilledOffset = 0;
  #spill: Promise<void> | null = null;

  private constructor(log: Log, stream: string, options: IdWindowOptions) {
    this.#log = log;
    this.#stream = stream;
    this.#cursor = log.cursor(stream, 'dedup');
    this.#options = { tableIds: 2 ** 19, ...options };
    this.#current = this.#generation();
  }

  /**
   * Opens the window of a stream: runs and filters from the log. The caller then hands every entry after
   * {@link spilledOffset} to {@link recover}.
   */
  static async open(log: Log, stream: string, options: IdWindowOptions): Promise<IdWindow> {
    const window = new IdWindow(log, stream, options);
    const stored = await window.#cursor.get();
    if (stored !== undefined) {
      // The cast holds: #spillNow is the only writer of this cursor.
      const state = JSON.parse(Buffer.from(stored.state).toString('utf8')) as StoredState;
      window.#spilledOffset = stored.offset;
      window.#current.lastOffset = stored.offset;
      window.#completeSince = state.completeSince;
      window.#runs = await Promise.all(state.runs.map((run) => IdRun.open(log, run)));
    }
    const known = new Set(window.#runs.map((run) => run.description.stream));
    for (const orphan of await log.streams(window.#runPrefix)) {
      if (!known.has(orphan)) await log.remove(orphan);
    }
    return window;
  }

  /** Entries up to here may leave the log: their ids are in runs. */
  get spilledOffset(): number {
    return this.#spilledOffset;
  }

  /** Fills the table with the ids of an entry of the log that arrived at `receivedAt`, after a restart. */
  async recover(offset: number, ids: Buffer, receivedAt: number): Promise<void> {
    if (this.#current.table.used >= this.#options.tableIds) await this.maintain(true);
    const keys = new Uint32Array(ids.length / 4);
    Buffer.from(keys.buffer).set(ids);
    const { table } = this.#current;
    this.#current.since = Math.min(this.#current.since, receivedAt);
    for (let index = 0; index < ids.length / ID_BYTES; index += 1) {
      if (isNoId(keys, index) || table.get(keys, index) !== 0) continue;
      table.add(keys, index, DURABLE);
    }
    this.#current.lastOffset = offset;
  }

  /** Asks the runs on disk for the ids of one submission; answers at once unless one of them may have an id. */
  lookup(keys: Uint32Array): Lookup | Promise<Lookup> {
    const runs = this.#runs;
    if ((keys.length / 4) * runs.length > CHECKS) return searchRuns(keys, runs, eachSuspect(keys, runs));
    const suspects = [...eachSuspect(keys, runs)].filter((index) => index !== null);
    return suspects.length === 0 ? { runs, found: NOTHING } : searchRuns(keys, runs, suspects);
  }

  /**
   * Claims the ids of one submission, all zeros for an event without one. A second copy within the submission is
   * `known`: it shares the fate of the first. The append has to begin in the same turn of the event loop, so that
   * claims and log offsets have one order.
   * @param isReserved whether room for these ids was reserved
   * @returns null where runs came or went since the look-up, which may have missed ids on their way to disk: look again
   * @throws IngestError `ingest_full` where ids pile up because runs cannot be written
   */
  claim(keys: Uint32Array, { runs, found }: Lookup, isReserved = false): Claims | null {
    if (runs !== this.#runs) return null;
    if (!isReserved) this.#checkRoom(keys.length / 4);
    return this.#claim(keys, found);
  }

  /**
   * Reserves room for the ids of a submission that is claimed in parts. Without it the table could be full before the second
   * part, when the first is stored.
   * @throws IngestError `ingest_full` where ids pile up because runs cannot be written
   */
  reserve(ids: number): IdReservation {
    this.#checkRoom(ids);
    this.#reserved += ids;
    let isHeld = true;
    return {
      release: () => {
        if (isHeld) this.#reserved -= ids;
        isHeld = false;
      },
    };
  }

  /** Whether the table is full enough for {@link maintain} to write it out, and nothing is being written. */
  get isFull(): boolean {
    return this.#spill === null && this.#current.table.used >= this.#options.tableIds;
  }

  /** How far back ids are known, in seconds. */
  reachSeconds(): number {
    const reach = Math.min(this.#options.windowMs, this.#options.now() - this.#completeSince);
    return Math.floor(reach / 1000);
  }

  /** Ids known now. */
  get size(): number {
    const inRuns = this.#runs.reduce((sum, run) => sum + run.description.keys, 0);
    return inRuns + this.#current.table.size + (this.#sealed?.table.size ?? 0);
  }

  /**
   * Drops what is past the window and, where the table is full or old enough, writes it out as a run.
   * @param crowded write in any case: the entries that hold these ids are in the way. Where even the run finds no
   * room, the ids are forgotten, which {@link reachSeconds} tells: else a full log would stay full
   * @returns when that is durable
   * @throws LogError where the log takes no more; the ids stay in memory and the next call tries again
   */
  maintain(crowded = false): Promise<void> {
    if (this.#spill !== null) return this.#spill;
    const { table, since } = this.#current;
    const isFull = table.used >= this.#options.tableIds;
    const isOld = this.#options.now() - since >= this.#options.windowMs / RUNS_PER_WINDOW;
    if (this.#sealed === null) {
      if (!crowded && !isFull && !isOld && !this.#hasOverdueRun()) return Promise.resolve();
      this.#sealed = this.#current;
      this.#current = this.#generation(this.#sealed.lastOffset);
    }
    this.#spill = this.#spillNow(this.#sealed, crowded)
      .then(() => {
        this.#sealed = null;
      })
      .finally(() => {
        this.#spill = null;
      });
    return this.#spill;
  }

  #generation(lastOffset = 0): Generation {
    // Twice the ids it may hold, and room for those that arrive while the generation before it is written out.
    const capacity = 2 ** Math.ceil(Math.log2(this.#options.tableIds * 2));
    const table = new IdTable(capacity, randomInt(2 ** 32));
    return { table, since: this.#options.now(), lastOffset, running: new Set() };
  }

  get #runPrefix(): string {
    return `${this.#stream}.ids.`;
  }

  /** If runs cannot be written (the log is full, say), events are refused: otherwise ids would be forgotten. */
  #checkRoom(ids: number): void {
    const { table } = this.#current;
    const room = Math.floor(table.capacity * MAX_FILL);
    if (table.used + this.#reserved + ids > room) throw bufferFull('event ids', room);
  }

  #claim(keys: Uint32Array, inRuns: ReadonlySet<number>): Claims {
    const generation = this.#current;
    const { table } = generation;
    const number = this.#nextSubmission++;
    let resolve: (isDurable: boolean) => void = () => {};
    const durable = new Promise<boolean>((settled) => {
      resolve = settled;
    });
    const claimed: number[] = [];
    const outcomes: ClaimOutcome[] = [];
    for (let index = 0; index * 4 < keys.length; index += 1) {
      if (isNoId(keys, index)) {
        outcomes.push('new');
        continue;
      }
      const value = table.get(keys, index) || (this.#sealed?.table.get(keys, index) ?? 0);
      if (inRuns.has(index) || value === number) {
        outcomes.push('known');
      } else if (value === 0) {
        table.add(keys, index, number);
        claimed.push(index);
        outcomes.push('new');
      } else {
        outcomes.push(this.#submissions.get(value) ?? 'known');
      }
    }
    this.#submissions.set(number, durable);
    generation.running.add(durable);
    const settle = (lastOffset: number | null): void => {
      if (lastOffset === null) for (const index of claimed) table.remove(keys, index);
      else if (lastOffset > generation.lastOffset) generation.lastOffset = lastOffset;
      this.#submissions.delete(number);
      generation.running.delete(durable);
      resolve(lastOffset !== null);
    };
    return { outcomes, settle };
  }

  /** Writes a generation's ids as a run. What an interrupted attempt left of it, and this one where it fails, is removed. */
  async #write({ table, since }: Generation, until: number): Promise<IdRun> {
    const stream = this.#freeStream(this.#runs);
    await this.#log.remove(stream);
    try {
      return await IdRun.write(this.#log, table, { stream, since, until });
    } catch (error) {
      await this.#log.remove(stream);
      throw error;
    }
  }

  /** A stream no run uses. Names are used again, for a log remembers every name it ever had. */
  #freeStream(runs: readonly IdRun[]): string {
    const taken = new Set(runs.map((run) => run.description.stream));
    let slot = 0;
    while (taken.has(`${this.#runPrefix}${slot}`)) slot += 1;
    return `${this.#runPrefix}${slot}`;
  }

  #hasOverdueRun(): boolean {
    const total = this.#runs.reduce((sum, run) => sum + run.description.keys, 0);
    const oldest = this.#runs[0]?.description;
    return oldest !== undefined && (total > this.#options.maxIds || this.#isPast(oldest));
  }

  #isPast(run: RunDescription): boolean {
    return run.until < this.#options.now() - this.#options.windowMs;
  }

  async #spillNow(generation: Generation, forgetRather: boolean): Promise<void> {
    // What is still being written will be in the table or out of it: wait until each is decided.
    await Promise.all(generation.running);
    const until = this.#options.now();
    let runs = this.#runs;
    if (generation.table.size > 0) {
      const run = await this.#write(generation, until).catch((error: unknown) => {
        if (forgetRather && error instanceof LogError && error.code === 'log_full') return null;
        throw error;
      });
      if (run === null) this.#completeSince = until;
      else runs = [...runs, run];
    }
    const dropped: IdRun[] = [];
    let total = runs.reduce((sum, run) => sum + run.description.keys, 0);
    for (const run of runs.slice(0, -1)) {
      const isPast = this.#isPast(run.description);
      if (!isPast && total <= this.#options.maxIds) break;
      if (!isPast) this.#completeSince = run.description.until;
      total -= run.description.keys;
      dropped.push(run);
    }
    runs = runs.slice(dropped.length);
    const state: StoredState = {
      runs: runs.map((run) => run.description),
      completeSince: this.#completeSince,
    };
    await this.#cursor.commit(generation.lastOffset, Buffer.from(JSON.stringify(state)));
    this.#runs = runs;
    this.#spilledOffset = generation.lastOffset;
    for (const run of dropped) await this.#log.remove(run.description.stream);
  }
}

/** Indexes of the ids that may be in a run; null for each that is in none. */
function* eachSuspect(keys: Uint32Array, runs: readonly IdRun[]): Generator<number | null> {
  for (let index = 0; runs.length > 0 && index * 4 < keys.length; index += 1) {
    yield !isNoId(keys, index) && runs.some((run) => run.mayHave(keys, index)) ? index : null;
  }
}

async function searchRuns(
  keys: Uint32Array,
  runs: readonly IdRun[],
  suspects: Iterable<number | null>,
): Promise<Lookup> {
  const found = new Set<number>();
  const slice = new Slice();
  for (const index of suspects) {
    if (slice.isOver) await slice.next();
    if (index === null) continue;
    for (const run of runs) {
      if (run.mayHave(keys, index) && (await run.has(keys, index))) found.add(index);
    }
  }
  return { runs, found };
}

function isNoId(keys: Uint32Array, index: number): boolean {
  const at = index * 4;
  return keys[at] === 0 && keys[at + 1] === 0 && keys[at + 2] === 0 && keys[at + 3] === 0;
}
