/**
 * A bounded cache of the processes in use, with the facts that their channels need: it keeps channels working while
 * PostgreSQL is unavailable. It is exact, because every change of this node passes through it.
 */
import type { ProcessStore } from './process-store.js';
import { type Standing, standingOf } from './standing.js';

/** A cached process. Only one such object of a process exists while the router is aligned with it. */
export interface Kept {
  standing: Standing;
  /** The revision that the router matches; 0 if unknown. */
  aligned: number;
  /** Set while the router is being aligned. */
  aligning: Promise<void> | null;
  /** Set if an alignment failed and will be retried. */
  isBehind: boolean;
}

const MAX_KEPT = 10_000;
/** Maximum number of doubts about processes that are not cached. */
const MAX_DOUBTS = 10_000;

/** See the head of this file. */
export class Standings {
  readonly #store: ProcessStore;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  /** Processes whose state in PostgreSQL is unknown, with the number of the doubt; oldest first. */
  readonly #doubtful = new Map<string, number>();
  #doubts = 0;

  constructor(store: ProcessStore) {
    this.#store = store;
  }

  /** Returns a process, read from PostgreSQL unless it is cached; null if there is none. */
  async get(id: string): Promise<Kept | null> {
    const kept = this.#kept.get(id);
    const doubt = this.#doubtful.get(id);
    if (kept !== undefined && doubt === undefined) {
      this.#kept.delete(id);
      this.#kept.set(id, kept);
      return kept;
    }
    const row = await this.#store.find(id, { settled: doubt !== undefined });
    if (this.#doubtful.get(id) === doubt) this.#doubtful.delete(id);
    return row === null ? null : this.put(standingOf(row));
  }

  /** Caches the state of a process, unless a newer one is cached. */
  put(standing: Standing): Kept {
    const { id, revision } = standing;
    const kept = this.#kept.get(id) ?? { standing, aligned: 0, aligning: null, isBehind: false };
    if (revision >= kept.standing.revision) kept.standing = standing;
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    this.#shrink();
    return kept;
  }

  /** Forces a read of the process before its next use. */
  doubt(id: string): void {
    this.#doubts += 1;
    this.#doubtful.delete(id);
    this.#doubtful.set(id, this.#doubts);
    if (this.#doubtful.size <= MAX_KEPT + MAX_DOUBTS) return;
    // A process that is not cached is read again in any case, so its doubt can be evicted.
    for (const old of this.#doubtful.keys()) {
      if (this.#kept.has(old)) continue;
      this.#doubtful.delete(old);
      return;
    }
  }

  #shrink(): void {
    for (const [id, { aligning, isBehind }] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT) return;
      if (aligning === null && !isBehind) this.#kept.delete(id);
    }
  }
}
