/** How long and how many ids are remembered. */
export interface DedupOptions {
  /** An id older than this is not a duplicate; default 300,000 ms. */
  readonly ttlMs?: number;
  /** At most so many ids, the newest; default 10,000. */
  readonly capacity?: number;
  /** Milliseconds, never going back; default `performance.now`. */
  readonly now?: () => number;
}

interface Slot {
  readonly id: string;
  readonly at: number;
}

/**
 * Tells whether an id was seen lately: within the time to live and among the last `capacity` ids, whichever is less.
 *
 * The map alone decides; the ring only bounds it. An id that expired and is recorded anew stands in two slots of the
 * ring: when the older slot is overwritten, the map holds another time than the slot, and the id is kept.
 *
 * ```ts
 * const seen = new DedupFilter();
 * seen.isDuplicate('a'); // false
 * seen.isDuplicate('a'); // true
 * ```
 */
export class DedupFilter {
  readonly #ttl: number;
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, Slot>();
  readonly #ring: Slot[] = [];
  #next = 0;

  constructor(o: DedupOptions = {}) {
    this.#ttl = o.ttlMs ?? 300_000;
    this.#capacity = o.capacity ?? 10_000;
    this.#now = o.now ?? (() => performance.now());
    if (!(Number.isSafeInteger(this.#capacity) && this.#capacity > 0)) {
      throw new RangeError(`capacity must be a positive integer, not ${this.#capacity}`);
    }
  }

  /** How many ids are held. */
  get size(): number {
    return this.#seen.size;
  }

  /** Whether an id was recorded lately. */
  has(id: string): boolean {
    return this.#isKnown(id, this.#now());
  }

  /** Records an id. One that is known keeps its time. The empty id says nothing of an event and is not recorded. */
  record(id: string): void {
    const at = this.#now();
    if (id === '' || this.#isKnown(id, at)) return;
    const slot: Slot = { id, at };
    const old = this.#ring[this.#next];
    if (old !== undefined && this.#seen.get(old.id) === old) this.#seen.delete(old.id);
    this.#ring[this.#next] = slot;
    this.#next = (this.#next + 1) % this.#capacity;
    this.#seen.set(id, slot);
  }

  /** Checks and records in one step. A duplicate does not renew its id; the empty id is none. */
  isDuplicate(id: string): boolean {
    if (this.has(id)) return true;
    this.record(id);
    return false;
  }

  #isKnown(id: string, at: number): boolean {
    const known = this.#seen.get(id);
    return known !== undefined && at - known.at < this.#ttl;
  }
}
