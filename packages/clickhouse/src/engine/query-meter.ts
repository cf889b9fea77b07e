import type { QueryUse } from '../query-use.js';

/** What is to be seen of a query while it is open. */
export type Seen = Omit<QueryUse, 'elapsedMs'>;

/** A query that took less is not looked at: looking alone takes half of that, and delays the answer's end. */
const SMALL_MS = 5;
/** The first look at a query that has not answered yet. */
const FIRST_LOOK_MS = 30;
/** Looks follow one another after half of what the query has taken, within these: at most a tenth of one core while it runs. */
const PAUSE_MS = { least: 10, most: 25 };

/**
 * Measures one streaming query in the thread that runs it. Its time is that of the calls into the engine, to the
 * microsecond: while nobody asks for the next block none runs.
 *
 * Rows, bytes and memory are looked at while the query is open, since none are to be had of one that has ended. They
 * are exact for a query that failed or was stopped, and for one whose answer is one block, as that of a query that
 * groups, counts or sorts is. Of other queries what was read after the last look is missing, the work of 25 ms at
 * most, and never is there too much. They are zeros of one that took less than 5 ms, or found nothing within 30 ms.
 */
export class QueryMeter {
  readonly #look: (() => Seen | undefined) | undefined;
  #seen: Seen = { readRows: 0, readBytes: 0, memoryBytes: 0 };
  #blocks = 0;
  #spentMs = 0;
  /** When the call that goes on began. */
  #calledAt: number | undefined;
  #nextLookMs = FIRST_LOOK_MS;
  #timer: NodeJS.Timeout | undefined;

  /** @param look undefined measures time alone */
  constructor(look?: () => Seen | undefined) {
    this.#look = look;
  }

  /** What the query has used so far. */
  used(): QueryUse {
    return { ...this.#seen, elapsedMs: this.#elapsedMs() };
  }

  /** Makes a call into the engine that blocks this thread. */
  call<T>(work: () => T): T {
    this.#calledAt = performance.now();
    try {
      return work();
    } finally {
      this.#called();
    }
  }

  /** Waits for the engine's next block, and looks now and then. */
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

  /** Must be called between a block and the wait for the next: the answer's first may be its only one. */
  blockCame(): void {
    this.#blocks += 1;
    if (this.#blocks === 1 ? this.#spentMs >= SMALL_MS : this.#spentMs >= this.#nextLookMs) this.#lookNow();
  }

  /** Must be called when no more blocks are asked for, by a failure or because nobody wants them, while the query is open. */
  willClose(): void {
    if (this.#spentMs >= SMALL_MS) this.#lookNow();
  }

  #lookNow(): void {
    // A query that ended meanwhile is seen no more: what is known stays.
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
