/**
 * Moves the ingest log into ClickHouse, batch by batch.
 *
 * The bounds of a batch are recorded in the log, as the state of the flusher's cursor, before its insert starts. After
 * a crash the recorded batches are rebuilt with the same bounds, and the writer asks ClickHouse which of their rows it
 * has; later entries were never sent. At most {@link MAX_IN_FLIGHT} batches are in progress, and the cursor precedes
 * the first unfinished one.
 */
import { firstAbort, type Logger } from '@weir/base';
import type { Cursor, Log } from '@weir/log';
import type { Batch, BatchBounds } from './batch.js';
import { batchOf } from './batch.js';
import type { BatchStore } from './batch-store.js';
import { readPortions } from './read-portions.js';

const MAX_IN_FLIGHT = 2;
/** How long the first event after a quiet time waits for others. */
const LINGER_MS = 20;
/** The maximum delay of a timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Flush times retained for receipts. */
const REMEMBERED_FLUSHES = 1_000;

/** Settings of a {@link Flusher}. */
export interface FlusherOptions {
  readonly flushEvents: number;
  readonly flushBytes: number;
  readonly flushIntervalMs: number;
  /** The clock, epoch milliseconds; intervals are measured by a monotonic one. */
  readonly now: () => number;
}

/** Called when a batch has left the log, with the time that took: it is in ClickHouse or in dead letters. */
export type OnFlushed = (events: number, bytes: number, milliseconds: number) => void;

/** Flushes one ingest log. */
export class Flusher {
  readonly #log: Log;
  readonly #stream: string;
  readonly #cursor: Cursor;
  readonly #store: BatchStore;
  readonly #logger: Logger;
  readonly #options: FlusherOptions;
  readonly #onFlushed: OnFlushed;
  /** Batches in progress, in order. */
  readonly #open: Batch[] = [];
  readonly #done = new Set<Batch>();
  readonly #stopping = new AbortController();
  readonly #waiters = new Set<() => void>();
  #recorded: readonly BatchBounds[] = [];
  /** Last offset that was put into a batch. */
  #taken = 0;
  /** Events in the log after {@link #taken}. */
  #waitingEvents = 0;
  #waitingBytes = 0;
  #waitingSince: number | null = null;
  #lastLaunch = Number.NEGATIVE_INFINITY;
  #hurry = false;
  /** When the position reached its values, newest last. */
  readonly #history: { readonly position: number; readonly at: number }[] = [];
  #running: Promise<void> | null = null;

  constructor(
    log: Log,
    stream: string,
    store: BatchStore,
    logger: Logger,
    options: FlusherOptions,
    onFlushed: OnFlushed,
  ) {
    this.#log = log;
    this.#stream = stream;
    this.#cursor = log.cursor(stream, 'flush');
    this.#store = store;
    this.#logger = logger;
    this.#options = options;
    this.#onFlushed = onFlushed;
  }

  /** Reads the position of an earlier run of the server. Call it before {@link start}. */
  async restore(): Promise<void> {
    const stored = await this.#cursor.get();
    this.#history.push({ position: stored?.offset ?? 0, at: this.#options.now() });
    if (stored === undefined) return;
    this.#taken = stored.offset;
    // The cast holds: #record is the only writer of this cursor.
    const bounds = JSON.parse(Buffer.from(stored.state).toString('utf8') || '[]') as BatchBounds[];
    this.#recorded = bounds.filter(({ last }) => last > stored.offset);
  }

  /** Every entry up to this offset is in ClickHouse or in dead letters. */
  get position(): number {
    const [first] = this.#open;
    if (first !== undefined) return first.first - 1;
    const [recorded] = this.#recorded;
    return recorded === undefined ? this.#taken : Math.min(recorded.first - 1, this.#taken);
  }

  /** When everything up to an offset had been flushed, epoch milliseconds; null if unknown. */
  flushedAt(offset: number): number | null {
    const [oldest] = this.#history;
    if (oldest === undefined || offset <= oldest.position) return null;
    return this.#history.find(({ position }) => position >= offset)?.at ?? null;
  }

  /** Starts flushing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Notifies the flusher of appended entries. */
  appended(events: number, bytes: number): void {
    this.#waitingEvents += events;
    this.#waitingBytes += bytes;
    this.#waitingSince ??= performance.now();
    if (this.#isFull(1) || this.#waitingEvents === events) this.#wake();
  }

  /** Resolves with true when the entry at `offset` was flushed, with false once the signal aborts. */
  async flushed(offset: number, signal: AbortSignal): Promise<boolean> {
    const stop = firstAbort(signal, this.#stopping.signal);
    try {
      while (this.position < offset) {
        if (stop.signal.aborted) return false;
        await this.#change(stop.signal);
      }
      return true;
    } finally {
      stop.release();
    }
  }

  /** Flushes the current entries without waiting for full batches; false once the signal aborts. */
  async drain(signal: AbortSignal): Promise<boolean> {
    this.#hurry = true;
    this.#wake();
    const { last } = await this.#log.stats(this.#stream);
    return this.flushed(last, signal);
  }

  /**
   * Stops without waiting for inserts in progress: their batches stay in the log with their bounds, like later entries.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  /** After a stop: every batch that is not known to be stored; those that were begun keep their bounds. */
  async unflushed(): Promise<Batch[]> {
    const batches = this.#open.filter((batch) => !this.#done.has(batch));
    for (const bounds of this.#recorded) batches.push(await this.#readAgain(bounds));
    for (let next = await this.#nextNew(); next !== null; next = await this.#nextNew()) {
      this.#taken = next.last;
      batches.push(next);
    }
    return batches;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const inFlight = new Set<Promise<void>>();
    while (!signal.aborted) {
      try {
        if (inFlight.size >= MAX_IN_FLIGHT) {
          await this.#change(signal);
          continue;
        }
        if (!this.#isDue(inFlight.size)) {
          await this.#change(signal, this.#waitMs());
          continue;
        }
        const next = await this.#next();
        if (next === null) continue;
        const work = this.#process(next.batch, next.isAgain).finally(() => {
          inFlight.delete(work);
          this.#wake();
        });
        inFlight.add(work);
      } catch (error) {
        this.#logger.error({ err: error }, 'the ingest log could not be read; retrying');
        await this.#change(signal, 1_000);
      }
    }
    await Promise.all(inFlight);
  }

  #isDue(inFlight: number): boolean {
    if (this.#recorded.length > 0) return true;
    if (this.#waitingSince === null) return false;
    // Next to an insert in progress, wait for twice as much: larger inserts cost ClickHouse less for each row.
    return this.#hurry || this.#isFull(inFlight + 1) || this.#waitMs() <= 0;
  }

  #isFull(times: number): boolean {
    const { flushEvents, flushBytes } = this.#options;
    return this.#waitingEvents >= flushEvents * times || this.#waitingBytes >= flushBytes;
  }

  /** The time until the tick; shorter after a quiet time. */
  #waitMs(): number {
    if (this.#waitingSince === null) return Number.POSITIVE_INFINITY;
    const due = Math.max(this.#waitingSince + LINGER_MS, this.#lastLaunch + this.#options.flushIntervalMs);
    return Math.max(due - performance.now(), 0);
  }

  async #next(): Promise<{ batch: Batch; isAgain: boolean } | null> {
    const [again] = this.#recorded;
    const batch = again === undefined ? await this.#nextNew() : await this.#readAgain(again);
    if (batch === null) {
      this.#forgetWaiting();
      return null;
    }
    this.#recorded = this.#recorded.slice(1);
    const before = this.#taken;
    this.#taken = Math.max(before, batch.last);
    this.#open.push(batch);
    if (again === undefined) {
      try {
        await this.#record();
      } catch (error) {
        // A batch must not be sent before its bounds are recorded: undo it.
        this.#open.pop();
        this.#taken = before;
        throw error;
      }
    }
    this.#waitingEvents = Math.max(0, this.#waitingEvents - batch.rows.count);
    this.#waitingBytes = Math.max(0, this.#waitingBytes - batch.bytes);
    this.#waitingSince = this.#waitingEvents === 0 ? null : performance.now();
    this.#lastLaunch = performance.now();
    return { batch, isAgain: again !== undefined };
  }

  async #nextNew(): Promise<Batch | null> {
    const { flushBytes: maxBytes } = this.#options;
    const entries = await readPortions(this.#log, this.#stream, { after: this.#taken, maxBytes });
    return entries.length === 0 ? null : batchOf(entries, this.#log.epoch);
  }

  /** The complete batch of recorded bounds: entries that are not read now would count as flushed, or be sent as new. */
  async #readAgain({ first, last }: BatchBounds): Promise<Batch> {
    const entries = await readPortions(this.#log, this.#stream, {
      after: first - 1,
      last,
      maxBytes: Number.MAX_SAFE_INTEGER,
    });
    if (entries[0]?.offset !== first || entries.at(-1)?.offset !== last) {
      throw new Error(`the ingest log does not hold the recorded batch ${first}-${last}`);
    }
    return batchOf(entries, this.#log.epoch);
  }

  #forgetWaiting(): void {
    this.#waitingEvents = 0;
    this.#waitingBytes = 0;
    this.#waitingSince = null;
    this.#hurry = false;
  }

  async #process(batch: Batch, isAgain: boolean): Promise<void> {
    const started = performance.now();
    const isStored = await this.#store.store(batch, isAgain, this.#stopping.signal);
    if (!isStored) return;
    this.#done.add(batch);
    for (let first = this.#open[0]; first !== undefined && this.#done.has(first); first = this.#open[0]) {
      this.#open.shift();
      this.#done.delete(first);
    }
    this.#history.push({ position: this.position, at: this.#options.now() });
    if (this.#history.length > REMEMBERED_FLUSHES) this.#history.shift();
    this.#onFlushed(batch.rows.count, batch.bytes, performance.now() - started);
    try {
      await this.#record();
    } catch (error) {
      // The next record includes this position; after a crash the batch is found in ClickHouse.
      this.#logger.warn({ err: error, batch: batch.id }, 'the flush position could not be recorded');
    }
  }

  async #record(): Promise<void> {
    const open: BatchBounds[] = [...this.#open, ...this.#recorded].map(({ first, last }) => ({
      first,
      last,
    }));
    await this.#cursor.commit(this.position, Buffer.from(JSON.stringify(open)));
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves at the next change, after `timeoutMs`, or when the signal aborts. */
  async #change(signal: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(timeoutMs)
        ? setTimeout(done, Math.min(timeoutMs, MAX_TIMER_MS))
        : undefined;
      const waiters = this.#waiters;
      waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}
