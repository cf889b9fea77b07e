/**
 * Handles due processes: fails those that no executor took, returns those without a heartbeat, and removes channels
 * whose retention has expired.
 */
import { type Logger, Wakeup } from '@weir/base';
import type { ProcessRow } from './process-row.js';

/** Options of a {@link Sweeper}. */
export interface SweeperOptions {
  readonly due: (limit: number) => Promise<Pick<ProcessRow, 'id' | 'closedAt'>[]>;
  /** Null if nothing is due. */
  readonly nextDue: () => Promise<Date | null>;
  /** Handles one due process. */
  readonly settle: (due: Pick<ProcessRow, 'id' | 'closedAt'>) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

const PAGE = 100;
/** Other nodes handle what they schedule; this interval covers nodes that have stopped. */
const LOOK_MS = 30_000;
const PAUSE_MS = 1_000;

/** See the head of this file. */
export class Sweeper {
  readonly #o: SweeperOptions;
  readonly #stopping = new AbortController();
  readonly #wakeup = new Wakeup();
  /** The end of its sleep, epoch milliseconds; Infinity during a sweep, which may miss new due times. */
  #until = Number.POSITIVE_INFINITY;
  #running: Promise<void> | null = null;

  constructor(o: SweeperOptions) {
    this.#o = o;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Schedules a sweep at `dueAt`. */
  expect(dueAt: Date): void {
    if (dueAt.getTime() < this.#until) this.#wakeup.call();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pause = PAUSE_MS;
      try {
        pause = await this.#sweep();
      } catch {
        // PostgreSQL is unavailable; its other users report that.
      }
      this.#until = this.#o.now() + pause;
      await this.#wakeup.wait(pause, signal);
      this.#until = Number.POSITIVE_INFINITY;
    }
  }

  /** Handles all due processes; returns the time until the next one. */
  async #sweep(): Promise<number> {
    const { due, nextDue, settle, now, logger } = this.#o;
    const found = await due(PAGE);
    let failures = 0;
    for (const one of found) {
      await settle(one).catch((error: unknown) => {
        failures += 1;
        logger.warn({ err: error, process: one.id }, 'a process that is due cannot be settled; retrying');
      });
    }
    if (failures > 0) return PAUSE_MS;
    const next = await nextDue();
    return next === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(0, next.getTime() - now()));
  }
}
