/**
 * Gathers usage records for a sink that keeps many at once. A batch is flushed when it is full, when its first record
 * has waited long enough, when the one before it is done, or at the end; one at a time, in order. All records of a
 * batch have one promise.
 *
 * A batch that is not kept takes those behind it along: they are rejected too, without being flushed. Whoever gives
 * records gives them again from the first that failed, and a sink that remembers how far it has kept them must never
 * have kept one before which another is missing. So what comes next must be that first one; another is refused once, and
 * taken when it comes again: then those before it have been given up.
 */
import type { UsageEvent } from '@weir/extension';

/** Options of {@link EventBatches}. */
export interface EventBatchesOptions {
  /** Records in a full batch. Default 5,000. */
  readonly size?: number;
  /** Longest time a record waits for others, milliseconds. Default 1,000. */
  readonly delayMs?: number;
}

/**
 * Keeps records: resolves when all are kept, rejects when any may not be. Some come again after a failure or a crash.
 * The signal aborts when nobody waits any longer.
 */
export type FlushEvents = (events: readonly UsageEvent[], signal: AbortSignal) => Promise<void>;

/** See the head of this file. */
export class EventBatches {
  readonly #flush: FlushEvents;
  readonly #size: number;
  readonly #delayMs: number;
  readonly #given = new AbortController();
  /** In order. Records are added to the last one while it is not full and not being flushed. */
  #waiting: Batch[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushing: Batch | null = null;
  #idle: Promise<void> = Promise.resolve();
  /** Where records are missing since a failure. */
  #gap: Gap | null = null;
  #isClosed = false;
  #ignored = 0;

  constructor(flush: FlushEvents, { size = 5_000, delayMs = 1_000 }: EventBatchesOptions = {}) {
    this.#flush = flush;
    this.#size = size;
    this.#delayMs = delayMs;
  }

  /** Records that came after `close`. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Resolves when the record is kept; rejects when it, or one before it, is not. After `close` it does nothing. */
  write(event: UsageEvent): Promise<void> | undefined {
    if (this.#isClosed) {
      this.#ignored += 1;
      return undefined;
    }
    if (this.#gap !== null) {
      if (this.#gap.isBefore(event)) return this.#gap.refusal;
      this.#gap = null;
    }
    const batch = this.#open();
    batch.events.push(event);
    if (batch.events.length >= this.#size) this.#run();
    return batch.kept;
  }

  /** Flushes at once; resolves when every promise given out has settled. What is not kept by the signal is rejected. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true;
    const giveUp = () => {
      const reason = new Error('the sink was closed before the record was kept');
      this.#given.abort(reason);
      this.#reject([...(this.#flushing === null ? [] : [this.#flushing]), ...this.#waiting], reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    this.#run();
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#idle, aborted]);
    signal.removeEventListener('abort', giveUp);
  }

  /** The batch to add to. */
  #open(): Batch {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.events.length < this.#size) return last;
    const batch = new Batch();
    this.#waiting.push(batch);
    this.#timer ??= setTimeout(() => this.#run(), this.#delayMs);
    return batch;
  }

  /** Begins to flush what waits, unless that is being done. */
  #run(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#flushing === null && this.#waiting.length > 0) this.#idle = this.#flushWaiting();
  }

  /** Never rejects. */
  async #flushWaiting(): Promise<void> {
    for (let batch = this.#waiting.shift(); batch !== undefined; batch = this.#waiting.shift()) {
      this.#flushing = batch;
      try {
        await this.#flush(batch.events, this.#given.signal);
        batch.resolve();
      } catch (error) {
        this.#reject([batch, ...this.#waiting], error);
      }
    }
    this.#flushing = null;
  }

  #reject(batches: readonly Batch[], reason: unknown): void {
    this.#waiting = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const first = batches[0]?.events[0];
    if (first !== undefined) this.#gap = new Gap(first, reason);
    for (const batch of batches) batch.reject(reason);
  }
}

/** What a failure left open: records from `first` on. */
class Gap {
  /** The answer to records past it. */
  readonly refusal: Promise<void>;
  readonly #first: UsageEvent;
  /** `seq` of the first one refused. */
  #refused: number | null = null;

  constructor(first: UsageEvent, reason: unknown) {
    this.#first = first;
    this.refusal = Promise.reject(reason);
    this.refusal.catch(() => undefined);
  }

  /** Whether a record would be kept past missing ones. */
  isBefore({ logId, seq }: UsageEvent): boolean {
    if (logId !== this.#first.logId || seq <= this.#first.seq || seq === this.#refused) return false;
    this.#refused ??= seq;
    return true;
  }
}

class Batch {
  readonly events: UsageEvent[] = [];
  readonly kept: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (reason: unknown) => void = () => undefined;

  constructor() {
    this.kept = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever looks at it late may not be ended by an unhandled rejection.
    this.kept.catch(() => undefined);
  }
}
