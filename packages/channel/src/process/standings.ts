/**
 * The processes in use, as far as their channels need them: a bounded memory that lets channels go on while PostgreSQL
 * is away. It is exact because every change of this node comes by here.
 */
import type { ProcessStore } from './process-store.js';
import { type Standing, standingOf } from './standing.js';

/** A process in memory. There is one such object of it at a time while it is brought in line. */
export interface Kept {
  standing: Standing;
  /** The revision the router stands at; 0 for not known. */
  aligned: number;
  /** Set while the router is brought in line. */
  aligning: Promise<void> | null;
  /** Bringing it in line has failed, and is tried again. */
  isBehind: boolean;
}

const MAX_KEPT = 10_000;
/** Doubts, beside those of processes that are kept. */
const MAX_DOUBTS = 10_000;

/** See the head of this file. */
export class Standings {
  readonly #store: ProcessStore;
  /** The longest unused first. */
  readonly #kept = new Map<string, Kept>();
  /** What PostgreSQL has of these is not known, since so many doubts; the oldest first. */
  readonly #doubtful = new Map<string, number>();
  #doubts = 0;

  constructor(store: ProcessStore) {
    this.#store = store;
  }

  /** A process, read from PostgreSQL unless it is in memory; null for none. */
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

  /** Takes over how a process stands, unless that is known to be old. */
  put(standing: Standing): Kept {
    const { id, revision } = standing;
    const kept = this.#kept.get(id) ?? { standing, aligned: 0, aligning: null, isBehind: false };
    if (revision >= kept.standing.revision) kept.standing = standing;
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    this.#shrink();
    return kept;
  }

  /** Reads a process again before it is used. */
  doubt(id: string): void {
    this.#doubts += 1;
    this.#doubtful.delete(id);
    this.#doubtful.set(id, this.#doubts);
    if (this.#doubtful.size <= MAX_KEPT + MAX_DOUBTS) return;
    // Who is not kept is read again in any case.
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
