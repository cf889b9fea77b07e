/**
 * Detects duplicate events.
 *
 * The ids of accepted events are part of the log entries, so they are durable in the same commit as their event. This
 * window is a reader of that log: recent ids are in a table in memory, older ones in runs (id-run). The reader's cursor
 * marks the entry from which the table is rebuilt after a restart.
 *
 * An id is claimed while its event's append is in progress, and known only once that append is durable. A copy that
 * arrives meanwhile waits: it is a duplicate if the append succeeds, and is stored itself if it fails. A simple "set if
 * absent" before the write would lose the event: the retry of a failed write would count as a duplicate.
 */
import { randomInt } from 'node:crypto';
import { Slice } from '@weir/base';
import { type Cursor, type Log, LogError } from '@weir/log';
import { bufferFull } from '../errors.js';
import { ID_BYTES } from './event-key.js';
import { IdRun, type RunDescription } from './id-run.js';
import { IdTable } from './id-table.js';

/** The table value of an id whose event is durable. Submissions in progress have greater numbers. */
const DURABLE = 1;
/**
 * A run covers at most this part of the window, so that removing whole runs keeps ids only slightly longer than
 * configured.
 */
const RUNS_PER_WINDOW = 24;
/** A fuller table would be slow to search. */
const MAX_FILL = 0.75;

/** Settings of an {@link IdWindow}. */
export interface IdWindowOptions {
  /** How long an id is known, milliseconds after arrival; at most 1/24 longer. */
  readonly windowMs: number;
  /** Maximum ids; beyond it the oldest are evicted early. */
  readonly maxIds: number;
  /** Ids in memory before they are written as a run. Default 2^19. */
  readonly tableIds?: number;
  /** The clock, epoch milliseconds. */
  readonly now: () => number;
}

/** The result of a lookup in the runs on disk for one submission. */
export interface Lookup {
  readonly runs: readonly IdRun[];
  /** Indexes of the ids that are in a run. */
  readonly found: ReadonlySet<number>;
}

/** Filters checked at once for one submission; a larger submission is checked in slices. */
const CHECKS = 20_000;
const NOTHING: ReadonlySet<number> = new Set();

/** The claims of one submission. */
export interface Claims {
  /** For each event: it is new and now claimed, it is known, or its first copy is still being written. */
  readonly outcomes: readonly ClaimOutcome[];
  /** Settles the claims: the append became durable up to `lastOffset`, or failed (null). */
  settle(lastOffset: number | null): void;
}

/** See {@link Claims}. A promise resolves to whether the first copy became durable. */
export type ClaimOutcome = 'new' | 'known' | Promise<boolean>;

interface Generation {
  readonly table: IdTable;
  /** First arrival, epoch milliseconds. */
  since: number;
  /** Every id of this and earlier generations has an offset up to this one. */
  lastOffset: number;
  readonly running: Set<Promise<boolean>>;
}

interface StoredState {
  readonly runs: readonly RunDescription[];
  /** The time since which ids are complete, after older ones were evicted for space. */
  readonly completeSince: number;
}

/** Room in the table for the ids of a submission that is claimed in parts. */
export interface IdReservation {
  /** Returns the room; idempotent. */
  release(): void;
}

/** Detects duplicates by the keys of event ids. One instance for a log stream. */
export class IdWindow {
  readonly #log: Log;
  readonly #stream: string;
  readonly #cursor: Cursor;
  readonly #options: Required<IdWindowOptions>;
  /** Submissions in progress, by number: whether each becomes durable. */
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
   * Opens the window of a stream: reads runs and filters from the log. The caller then passes every entry after {@link
   * spilledOffset} to {@link recover}.
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

  /** Entries up to here may be trimmed from the log: their ids are in runs. */
  get spilledOffset(): number {
    return this.#spilledOffset;
  }

  /** Adds the ids of a log entry that arrived at `receivedAt`, after a restart. */
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

  /** Looks up the ids of one submission in the runs on disk; synchronous unless one of them may contain an id. */
  lookup(keys: Uint32Array): Lookup | Promise<Lookup> {
    const runs = this.#runs;
    if ((keys.length / 4) * runs.length > CHECKS) return searchRuns(keys, runs, eachSuspect(keys, runs));
    const suspects = [...eachSuspect(keys, runs)].filter((index) => index !== null);
    return suspects.length === 0 ? { runs, found: NOTHING } : searchRuns(keys, runs, suspects);
  }

  /**
   * Claims the ids of one submission, all zeros for an event without one. A second copy within the submission is
   * `known`: its outcome is that of the first. The append must begin in the same turn of the event loop, so that claims
   * and log offsets have one order.
   * @param isReserved whether room for these ids was reserved
   * @returns null if the runs changed since the lookup, which may have missed ids on their way to disk: look up again
   * @throws IngestError `ingest_full` if ids accumulate because runs cannot be written
   */
  claim(keys: Uint32Array, { runs, found }: Lookup, isReserved = false): Claims | null {
    if (runs !== this.#runs) return null;
    if (!isReserved) this.#checkRoom(keys.length / 4);
    return this.#claim(keys, found);
  }

  /**
   * Reserves room for the ids of a submission that is claimed in parts. Otherwise the table could be full before the
   * second part, when the first is stored.
   * @throws IngestError `ingest_full` if ids accumulate because runs cannot be written
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

  /** Whether {@link maintain} would write the table as a run because it is full, and no write is in progress. */
  get isFull(): boolean {
    return this.#spill === null && this.#current.table.used >= this.#options.tableIds;
  }

  /** The age of the oldest known ids, seconds. */
  reachSeconds(): number {
    const reach = Math.min(this.#options.windowMs, this.#options.now() - this.#completeSince);
    return Math.floor(reach / 1000);
  }

  /** Number of known ids. */
  get size(): number {
    const inRuns = this.#runs.reduce((sum, run) => sum + run.description.keys, 0);
    return inRuns + this.#current.table.size + (this.#sealed?.table.size ?? 0);
  }

  /**
   * Removes ids older than the window; if the table is full or old enough, writes it as a run.
   * @param crowded write in any case, because the entries with these ids occupy a crowded log. If even the run finds no
   *   room, the ids are evicted, which {@link reachSeconds} shows; otherwise a full log would stay full
   * @returns when the run is durable
   * @throws LogError if the log accepts no more; the ids stay in memory and the next call retries
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
    // Twice the maximum ids, with room for those that arrive while the previous generation is written.
    const capacity = 2 ** Math.ceil(Math.log2(this.#options.tableIds * 2));
    const table = new IdTable(capacity, randomInt(2 ** 32));
    return { table, since: this.#options.now(), lastOffset, running: new Set() };
  }

  get #runPrefix(): string {
    return `${this.#stream}.ids.`;
  }

  /** Rejects events if runs cannot be written (for example, the log is full); otherwise ids would be lost. */
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

  /** Writes a generation's ids as a run. Removes the remains of an interrupted attempt, and of this one if it fails. */
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

  /** A stream name that no run uses. Names are reused, because a log remembers every name. */
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
    // Ids of appends in progress are either kept or removed: wait until each is settled.
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
