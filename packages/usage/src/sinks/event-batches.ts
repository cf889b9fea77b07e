/**
 * Batches usage records for a sink. A batch is flushed when it is full, when its first record has waited long enough,
 * when the previous one is done, or at the end; one at a time, in order. All records of a batch share one promise.
 *
 * If a batch fails, later records are rejected too, without a flush. The caller passes records again from the first
 * failed one, and a sink that stores its cursor must never store a record after a missing one. So the next record must
 * be that first one. Any other is refused once, and accepted when it is passed again, because the records before it
 * were then given up.
 */
import type { UsageEvent } from '@weir/extension';

/** Options of {@link EventBatches}. */
export interface EventBatchesOptions {
  /** Maximum records of a batch. Default 5,000. */
  readonly size?: number;
  /** Maximum wait of a record for others, milliseconds. Default 1,000. */
  readonly delayMs?: number;
}

/**
 * Stores records: resolves when all are stored, rejects when any may not be. Some are redelivered after a failure or a
 * crash. The signal aborts when the caller no longer waits.
 */
export type FlushEvents = (events: readonly UsageEvent[], signal: AbortSignal) => Promise<void>;

/** See the head of this file. */
export class EventBatches {
  readonly #flush: FlushEvents;
  readonly #size: number;
  readonly #delayMs: number;
  readonly #given = new AbortController();
  /** In order. Records are added to the last batch while it is neither full nor being flushed. */
  #waiting: Batch[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushing: Batch | null = null;
  #idle: Promise<void> = Promise.resolve();
  /** The gap of missing records after a failure. */
  #gap: Gap | null = null;
  #isClosed = false;
  #ignored = 0;

  constructor(flush: FlushEvents, { size = 5_000, delayMs = 1_000 }: EventBatchesOptions = {}) {
    this.#flush = flush;
    this.#size = size;
    this.#delayMs = delayMs;
  }

  /** Records that arrived after `close`. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Resolves when the record is stored; rejects if it, or an earlier one, is not. No effect after `close`. */
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

  /**
   * Flushes at once; resolves when every returned promise has settled. Records not stored when the signal aborts are
   * rejected.
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosed = true;
    const giveUp = () => {
      const reason = new Error('the sink was closed before the record was stored');
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

  /** Starts to flush waiting batches, unless a flush is in progress. */
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

/** The gap after a failure: records from `first` on are missing. */
class Gap {
  /** The answer for records after the gap. */
  readonly refusal: Promise<void>;
  readonly #first: UsageEvent;
  /** `seq` of the first refused record. */
  #refused: number | null = null;

  constructor(first: UsageEvent, reason: unknown) {
    this.#first = first;
    this.refusal = Promise.reject(reason);
    this.refusal.catch(() => undefined);
  }

  /** Whether storing a record would skip missing ones. */
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
    // A caller that awaits the promise late must not cause an unhandled rejection.
    this.kept.catch(() => undefined);
  }
}
