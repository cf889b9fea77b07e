/**
 * Executors of one type that wait for work, in order of arrival. Only one query for work runs at a time. So a new
 * process wakes one executor and not all, and a thousand waiting executors cause one query a second.
 */

/** Options of an {@link AssignmentLine}. */
export interface AssignmentLineOptions<T> {
  /** The next work for an executor; null for none. */
  readonly take: (executorId: string) => Promise<T | null>;
  /** Returns work that was taken for an executor that has disconnected. */
  readonly giveBack: (work: T) => void;
  /** Called when no executor waits any more. */
  readonly onEmpty: () => void;
}

interface Waiter<T> {
  readonly executorId: string;
  readonly resolve: (work: T | null) => void;
  readonly reject: (error: unknown) => void;
  /** Whether a query has completed since the executor joined. */
  looked: boolean;
  /** Whether its wait has expired: it leaves after the next query. */
  late: boolean;
}

/** How often to query for work that other nodes submitted. */
const LOOK_MS = 1_000;

/** See the head of this file. */
export class AssignmentLine<T> {
  readonly #o: AssignmentLineOptions<T>;
  readonly #waiters = new Set<Waiter<T>>();
  #looking = false;
  #again = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(o: AssignmentLineOptions<T>) {
    this.#o = o;
  }

  /** Resolves with work for an executor; null if there was none within `waitMs`, or the signal aborts. */
  wait(executorId: string, waitMs: number, signal: AbortSignal): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        waiter.resolve(null);
      };
      const timer = setTimeout(() => {
        waiter.late = true;
        if (waiter.looked) leave();
      }, waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      };
      const waiter: Waiter<T> = {
        executorId,
        resolve: (work) => {
          settle();
          resolve(work);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        looked: false,
        late: waitMs === 0,
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', leave);
      if (signal.aborted) leave();
      this.look();
    });
  }

  /** Queries for work now, because some may have been submitted. */
  look(): void {
    this.#again = true;
    if (!this.#looking) void this.#look();
  }

  /** Answers all waiting executors with null. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.resolve(null);
    }
  }

  async #look(): Promise<void> {
    this.#looking = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    while (this.#again) {
      this.#again = false;
      await this.#handOut();
    }
    this.#looking = false;
    if (this.#waiters.size === 0) this.#o.onEmpty();
    else this.#timer = setTimeout(() => this.look(), LOOK_MS);
  }

  /** Assigns work until no executor waits or no work is left. */
  async #handOut(): Promise<void> {
    for (;;) {
      const before = [...this.#waiters];
      const [first] = before;
      if (first === undefined) return;
      try {
        const work = await this.#o.take(first.executorId);
        if (work === null) {
          this.#nothingFor(before);
          return;
        }
        if (this.#waiters.delete(first)) first.resolve(work);
        else this.#o.giveBack(work);
      } catch (error) {
        for (const waiter of before) if (this.#waiters.delete(waiter)) waiter.reject(error);
        return;
      }
    }
  }

  #nothingFor(waiters: readonly Waiter<T>[]): void {
    for (const waiter of waiters) {
      waiter.looked = true;
      if (waiter.late && this.#waiters.delete(waiter)) waiter.resolve(null);
    }
  }
}
