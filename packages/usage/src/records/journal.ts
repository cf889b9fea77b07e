import { type Logger, Slice } from '@weir/base';
import { periodically } from '@weir/base/node';
import { type Appended, type Log, LogError, type Part } from '@weir/log';
import {
  decodeCompletion,
  decodeOpening,
  encodeCompletion,
  encodeOpening,
  eventsOf,
  isOpening,
  MAX_ROWS,
  USAGE_STREAM,
} from './entry.js';
import type { RecentEvents } from './recent-events.js';
import type { NodeStart, RecordRow } from './record-row.js';

/** Dependencies of a {@link Journal}. */
export interface JournalOptions {
  readonly log: Log;
  readonly start: NodeStart;
  /** Receives written records. */
  readonly recent: RecentEvents;
  readonly logger: Logger;
  /** Called when completions are in the log. */
  readonly onCompleted: () => void;
}

/** The identity of an opened request: any object. */
export type Opened = object;

interface Opening {
  readonly offset: number;
  readonly entry: Buffer;
}

interface Completion {
  readonly of: Opened;
  readonly row: RecordRow;
  /** The node start that opened it. */
  readonly start: NodeStart;
}

/** How long completions are collected, so that many share an entry and a commit. */
const GATHER_MS = 50;
/** Retry interval while the log accepts no entries. */
const RETRY_MS = 1_000;
/** Completions retained in memory meanwhile. */
const MAX_WAITING = 20_000;
const CHECKPOINT_MS = 5_000;
/** An opening this many entries back is written again, so that a start need not read from there. */
const FAR_BACK = 50_000;
const READER = 'recovery';
/** Bytes read at a time during a start. */
const PAGE_BYTES = 128 * 1024;

/**
 * Writes openings and completions to the log, and at a start completes the openings that a kill left. A durable
 * checkpoint limits the scan: every opening before it has been completed.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #log: Log;
  readonly #logger: Logger;
  /** Openings whose completion is not in the log yet, oldest first. */
  readonly #open = new Map<Opened, Opening>();
  #waiting: Completion[] = [];
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #endCheckpoints: () => void = () => {};
  #last = 0;
  #recoverable = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#logger = options.logger;
  }

  /** Records that were dropped because the log was unavailable for too long. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A start needs no entry of the stream up to this offset. */
  get recoverable(): number {
    return this.#recoverable;
  }

  /** Completes openings of earlier starts, as far as the log accepts entries now. */
  async start(): Promise<void> {
    const cursor = await this.#log.cursor(USAGE_STREAM, READER).get();
    const { first, last } = await this.#log.stats(USAGE_STREAM);
    this.#last = last;
    this.#recoverable = Math.max(cursor?.offset ?? 0, first - 1);
    const start = startOf(cursor?.state) ?? this.#options.start;
    for (const opening of await this.#leftOpen(this.#recoverable)) {
      const of = {};
      this.#open.set(of, opening);
      this.#waiting.push({ of, row: decodeOpening(opening.entry), start });
    }
    const { length } = this.#waiting;
    if (length > 0) {
      this.#logger.warn({ records: length }, 'requests cut off by the last end are recorded as errors');
      await this.#write();
    }
    await this.#checkpoint(true);
    this.#endCheckpoints = periodically(() => this.#checkpoint(), CHECKPOINT_MS);
  }

  /** An opening as a part of an append by another writer, which must then call {@link opened}. */
  part(row: RecordRow): Part {
    return { stream: USAGE_STREAM, entries: [encodeOpening(row)] };
  }

  /** Reports the place of an opening. It replaces an earlier opening of the same request. */
  opened(of: Opened, { entries: [entry] }: Part, { last: offset }: Appended): void {
    this.#last = Math.max(this.#last, offset);
    // Keep the map in log order: the checkpoint is taken from its first opening.
    this.#open.delete(of);
    // The cast holds: this class made the part.
    this.#open.set(of, { offset, entry: entry as Buffer });
  }

  /** Writes an opening. Never rejects: if the log does not accept it, the request is recorded at its end. */
  async open(of: Opened, row: RecordRow): Promise<void> {
    const part = this.part(row);
    try {
      this.opened(of, part, await this.#log.append(part.stream, part.entries));
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** Queues a completion. */
  complete(of: Opened, row: RecordRow): void {
    this.#waiting.push({ of, row, start: this.#options.start });
    if (this.#waiting.length > MAX_WAITING) this.#drop(this.#waiting.splice(0, 1));
    this.#writeIn(GATHER_MS);
  }

  /** Writes queued completions, and the checkpoint for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#endCheckpoints();
    await this.#writing;
    if (this.#waiting.length > 0) await this.#write();
    this.#drop(this.#waiting.splice(0));
    await this.#checkpoint();
  }

  #writeIn(milliseconds: number): void {
    if (this.#timer !== null || this.#writing !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#write();
    }, milliseconds);
  }

  /** Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeOnce().then((hasRoom) => {
      this.#writing = null;
      if (this.#waiting.length > 0) this.#writeIn(hasRoom ? GATHER_MS : RETRY_MS);
    });
    return this.#writing;
  }

  /** Whether the log accepted all queued completions. Writes one entry at a time, because a small one may still fit. */
  async #writeOnce(): Promise<boolean> {
    const completions = this.#waiting;
    this.#waiting = [];
    let written = 0;
    for (const { start, completions: batch } of batchesOf(completions)) {
      const rows = batch.map(({ row }) => row);
      try {
        const { last } = await this.#log.append(USAGE_STREAM, [encodeCompletion(start, rows)]);
        this.#completed(batch, rows, start, last);
        written += batch.length;
      } catch (error) {
        this.#keepForLater(completions.slice(written), error);
        return false;
      }
    }
    return true;
  }

  #completed(
    batch: readonly Completion[],
    rows: readonly RecordRow[],
    start: NodeStart,
    offset: number,
  ): void {
    const { recent, onCompleted } = this.#options;
    this.#last = Math.max(this.#last, offset);
    for (const { of } of batch) this.#open.delete(of);
    recent.add(offset, eventsOf(rows, start, this.#log.id, offset));
    onCompleted();
  }

  #keepForLater(completions: readonly Completion[], error: unknown): void {
    if (error instanceof LogError && error.retryable) {
      this.#waiting = [...completions, ...this.#waiting];
      this.#drop(this.#waiting.splice(0, Math.max(0, this.#waiting.length - MAX_WAITING)));
      return;
    }
    const { length } = completions;
    this.#logger.warn({ err: error, records: length }, 'usage records are lost: the log accepts none');
    this.#drop(completions);
  }

  #drop(completions: readonly Completion[]): void {
    this.#dropped += completions.length;
    for (const { of } of completions) this.#open.delete(of);
  }

  /** Openings without a completion, which may precede the opening if that was carried forward. */
  async #leftOpen(after: number): Promise<readonly Opening[]> {
    const open = new Map<string, Opening>();
    const over = new Set<string>();
    const slice = new Slice();
    for (let place = after; ; ) {
      if (slice.isOver) await slice.next();
      const entries = await this.#log.read(USAGE_STREAM, { after: place, maxBytes: PAGE_BYTES });
      const last = entries.at(-1);
      if (last === undefined) return [...open.values()];
      for (const { offset, data } of entries) {
        if (isOpening(data)) {
          const [id] = decodeOpening(data);
          // The last opening counts, and the map stays in log order.
          open.delete(id);
          if (!over.has(id)) open.set(id, { offset, entry: Buffer.from(data) });
          continue;
        }
        for (const [id] of decodeCompletion(data).rows) {
          over.add(id);
          open.delete(id);
        }
      }
      place = last.offset;
    }
  }

  /**
   * Stores the checkpoint durably: the offset from which openings may be incomplete, and the start that wrote them.
   * Never rejects.
   */
  async #checkpoint(isFirst = false): Promise<void> {
    try {
      await this.#carryForward();
      const [oldest] = this.#open.values();
      const place = oldest === undefined ? this.#last : oldest.offset - 1;
      if (place <= this.#recoverable && !isFirst) return;
      const state = Buffer.from(JSON.stringify(this.#options.start));
      await this.#log.cursor(USAGE_STREAM, READER).commit(Math.max(place, this.#recoverable), state);
      this.#recoverable = Math.max(place, this.#recoverable);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the checkpoint of usage records cannot be stored; retrying');
    }
  }

  /** Writes openings of long requests again. */
  async #carryForward(): Promise<void> {
    const far = [...this.#open].filter(([, { offset }]) => offset < this.#last - FAR_BACK);
    if (far.length === 0) return;
    const { first, last } = await this.#log.append(
      USAGE_STREAM,
      far.map(([, { entry }]) => entry),
    );
    this.#last = Math.max(this.#last, last);
    for (const [index, [of, { entry }]] of far.entries()) {
      // A request completed meanwhile stays complete, even if this opening follows its completion: #leftOpen handles
      // that.
      if (!this.#open.delete(of)) continue;
      this.#open.set(of, { offset: first + index, entry });
    }
  }
}

interface CompletionBatch {
  readonly start: NodeStart;
  readonly completions: Completion[];
}

/** Groups completions into entries: of one start, and not too many. */
function batchesOf(completions: readonly Completion[]): CompletionBatch[] {
  const batches: CompletionBatch[] = [];
  for (const completion of completions) {
    const last = batches.at(-1);
    if (last?.start === completion.start && last.completions.length < MAX_ROWS)
      last.completions.push(completion);
    else batches.push({ start: completion.start, completions: [completion] });
  }
  return batches;
}

function startOf(state: Uint8Array | undefined): NodeStart | null {
  if (state === undefined || state.length === 0) return null;
  // The cast holds: only this file writes it.
  return JSON.parse(Buffer.from(state).toString()) as NodeStart;
}
