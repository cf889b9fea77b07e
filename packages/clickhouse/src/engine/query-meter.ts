import type { QueryUse } from '../query-use.js';

/** The observable use of an open query. */
export type Seen = Omit<QueryUse, 'elapsedMs'>;

/** Shorter queries are not observed: the lookup alone takes half of that time, and delays the end of the answer. */
const SMALL_MS = 5;
/** The delay of the first lookup of a query that has not answered yet. */
const FIRST_LOOK_MS = 30;
/** Each lookup follows after half of the query's time so far, within these bounds: at most a tenth of one core. */
const PAUSE_MS = { least: 10, most: 25 };

/**
 * Measures one streaming query in its thread. The time is that of the calls into the engine, to the microsecond:
 * between two blocks the query does not run.
 *
 * Rows, bytes and memory are looked up while the query is open, because the engine forgets an ended one. They are exact
 * for a query that failed or was stopped, and for one whose answer is one block, such as a query that groups, counts or
 * sorts. For other queries, reads after the last lookup are missing (at most 25 ms of work); the figures are never too
 * high. They are zero for a query of less than 5 ms, or one that found nothing within 30 ms.
 */
export class QueryMeter {
  readonly #look: (() => Seen | undefined) | undefined;
  #seen: Seen = { readRows: 0, readBytes: 0, memoryBytes: 0 };
  #blocks = 0;
  #spentMs = 0;
  /** When the current call began. */
  #calledAt: number | undefined;
  #nextLookMs = FIRST_LOOK_MS;
  #timer: NodeJS.Timeout | undefined;

  /** @param look undefined measures only the time */
  constructor(look?: () => Seen | undefined) {
    this.#look = look;
  }

  /** The use of the query so far. */
  used(): QueryUse {
    return { ...this.#seen, elapsedMs: this.#elapsedMs() };
  }

  /** Runs a call into the engine that blocks this thread. */
  call<T>(work: () => T): T {
    this.#calledAt = performance.now();
    try {
      return work();
    } finally {
      this.#called();
    }
  }

  /** Waits for the engine's next block, with periodic lookups. */
  async wait<T>(work: () => Promise<T>): Promise<T> {
    this.#calledAt = performance.now();
    this.#lookLater();
    try {
      return await work();
    } finally {
      clearTimeout(this.#timer);
      this.#called();
    }
  }

  /** Must be called between a block and the wait for the next one: the first block may be the only one. */
  blockCame(): void {
    this.#blocks += 1;
    if (this.#blocks === 1 ? this.#spentMs >= SMALL_MS : this.#spentMs >= this.#nextLookMs) this.#lookNow();
  }

  /**
   * Must be called while the query is still open, when no more blocks are requested (after an error or an early end).
   */
  willClose(): void {
    if (this.#spentMs >= SMALL_MS) this.#lookNow();
  }

  #lookNow(): void {
    // If the query has ended meanwhile, the lookup fails, and the last figures remain.
    this.#seen = this.#look?.() ?? this.#seen;
    const spent = this.#elapsedMs();
    this.#nextLookMs = spent + Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, spent / 2));
  }

  #lookLater(): void {
    if (this.#look === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#lookNow();
        this.#lookLater();
      },
      Math.max(1, this.#nextLookMs - this.#elapsedMs()),
    );
  }

  #called(): void {
    this.#spentMs = this.#elapsedMs();
    this.#calledAt = undefined;
  }

  #elapsedMs(): number {
    return this.#spentMs + (this.#calledAt === undefined ? 0 : performance.now() - this.#calledAt);
  }
}
