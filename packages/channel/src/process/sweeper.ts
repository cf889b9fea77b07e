/** Does what is due: fails what nobody took, takes back what is not heard of, removes channels that were kept long enough. */
import { type Logger, Wakeup } from '@weir/base';
import type { ProcessRow } from './process-row.js';

/** What {@link Sweeper} works with. */
export interface SweeperOptions {
  readonly due: (limit: number) => Promise<Pick<ProcessRow, 'id' | 'closedAt'>[]>;
  /** Null for never. */
  readonly nextDue: () => Promise<Date | null>;
  /** Does what is due with one process. */
  readonly settle: (due: Pick<ProcessRow, 'id' | 'closedAt'>) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

const PAGE = 100;
/** What other nodes let fall due they do themselves; this is for those that are gone. */
const LOOK_MS = 30_000;
const PAUSE_MS = 1_000;

/** See the head of this file. */
export class Sweeper {
  readonly #o: SweeperOptions;
  readonly #stopping = new AbortController();
  readonly #wakeup = new Wakeup();
  /** What it sleeps until, epoch milliseconds; Infinity while it is at work, which may have missed anything. */
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

  /** Something falls due then. */
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
        // PostgreSQL does not answer; others say so.
      }
      this.#until = this.#o.now() + pause;
      await this.#wakeup.wait(pause, signal);
      this.#until = Number.POSITIVE_INFINITY;
    }
  }

  /** How long nothing is due. */
  async #sweep(): Promise<number> {
    const { due, nextDue, settle, now, logger } = this.#o;
    const found = await due(PAGE);
    let failures = 0;
    for (const one of found) {
      await settle(one).catch((error: unknown) => {
        failures += 1;
        logger.warn({ err: error, process: one.id }, 'a process that is due cannot be settled; trying again');
      });
    }
    if (failures > 0) return PAUSE_MS;
    const next = await nextDue();
    return next === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(0, next.getTime() - now()));
  }
}
