/** Bounds of a {@link DedupFilter}. */
export interface DedupOptions {
  /** Ids older than this are not duplicates; default 300,000 ms. */
  readonly ttlMs?: number;
  /** Maximum number of ids, the newest; default 10,000. */
  readonly capacity?: number;
  /** Monotonic clock, milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

interface Slot {
  readonly id: string;
  readonly at: number;
}

/**
 * Detects ids that were seen recently: within the time to live and among the last `capacity` ids.
 *
 * The map holds the ids; the ring only limits their number. An id that expires and is recorded again occupies two ring
 * slots. When the older slot is overwritten, the map refers to the newer slot, so the id is kept.
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

  /** Number of ids held. */
  get size(): number {
    return this.#seen.size;
  }

  /** True if an id was recorded recently. */
  has(id: string): boolean {
    return this.#isKnown(id, this.#now());
  }

  /** Records an id. A known id keeps its time. The empty id identifies no event and is ignored. */
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

  /** Checks and records an id in one step. A duplicate does not renew its id; the empty id is never a duplicate. */
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
