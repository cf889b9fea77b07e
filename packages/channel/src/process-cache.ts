import type { Log } from '@weir/log';
import type { Settings } from './limits.js';
import { LiveProcess } from './live-process.js';

/** A process that somebody uses. There is one such object a process, or two writers would give the same index. */
export interface Held {
  readonly process: LiveProcess;
  /** To be called once. */
  readonly release: () => void;
}

interface Slot {
  readonly opening: Promise<LiveProcess>;
  holders: number;
}

const MAX_IDLE = 1000;

/** The processes in memory: those in use, and some that were used last. */
export class ProcessCache {
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #slots = new Map<string, Slot>();
  /** Nobody holds these; the longest unused first. */
  readonly #idle = new Set<string>();

  constructor(log: Log, settings: Settings) {
    this.#log = log;
    this.#settings = settings;
  }

  async hold(id: string): Promise<Held> {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { opening: LiveProcess.open(this.#log, id, this.#settings), holders: 0 };
      this.#slots.set(id, slot);
    }
    slot.holders += 1;
    this.#idle.delete(id);
    try {
      const process = await slot.opening;
      return { process, release: () => this.#release(id, slot, process.exists) };
    } catch (error) {
      this.#release(id, slot, false);
      throw error;
    }
  }

  async use<T>(id: string, work: (process: LiveProcess) => Promise<T> | T): Promise<T> {
    const { process, release } = await this.hold(id);
    try {
      return await work(process);
    } finally {
      release();
    }
  }

  /** Everything in memory. */
  async all(): Promise<LiveProcess[]> {
    const opened = await Promise.allSettled([...this.#slots.values()].map(({ opening }) => opening));
    return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  #release(id: string, slot: Slot, keep: boolean): void {
    slot.holders -= 1;
    if (slot.holders > 0) return;
    if (!keep) {
      this.#slots.delete(id);
      return;
    }
    this.#idle.add(id);
    for (const oldest of this.#idle) {
      if (this.#idle.size <= MAX_IDLE) break;
      this.#idle.delete(oldest);
      this.#slots.delete(oldest);
    }
  }
}
