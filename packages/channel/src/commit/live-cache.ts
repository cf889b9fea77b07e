/**
 * Keeps objects of the log in memory: those in use, and the most recently used ones. There is exactly one object for an
 * id, because two writers would assign the same offset twice.
 */

/** An object in use. */
export interface Held<T> {
  readonly value: T;
  /** Must be called exactly once. */
  readonly release: () => void;
}

/** Settings of a {@link LiveCache}. */
export interface LiveCacheOptions<K, T> {
  readonly idOf: (key: K) => string;
  readonly open: (key: K) => Promise<T>;
  /** Resolves when all work on an object has ended; until then, no other object may replace it. */
  readonly settled?: (value: T) => Promise<void>;
  /** The weight of an object that is not in use; null to evict it at once. Default 0. */
  readonly weightOf?: (value: T) => number | null;
  /** Maximum total weight of objects that are not in use. Default no limit. */
  readonly maxIdleWeight?: number;
}

interface Slot<T> {
  readonly opening: Promise<T>;
  holders: number;
}

const MAX_IDLE = 1_000;

/** See the head of this file. */
export class LiveCache<K, T> {
  readonly #options: LiveCacheOptions<K, T>;
  readonly #slots = new Map<string, Slot<T>>();
  /** The weights of the objects that are not in use, least recently used first. */
  readonly #idle = new Map<string, number>();
  #idleWeight = 0;

  constructor(options: LiveCacheOptions<K, T>) {
    this.#options = options;
  }

  /** Returns the object, opened if necessary. It stays in memory until it is released. */
  async hold(key: K): Promise<Held<T>> {
    const id = this.#options.idOf(key);
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { opening: this.#options.open(key), holders: 0 };
      this.#slots.set(id, slot);
    }
    slot.holders += 1;
    this.#forgetIdle(id);
    try {
      const value = await slot.opening;
      return { value, release: () => void this.#release(id, slot, value) };
    } catch (error) {
      slot.holders -= 1;
      if (slot.holders === 0) this.#slots.delete(id);
      throw error;
    }
  }

  /** Runs work with an object. */
  async use<R>(key: K, work: (value: T) => Promise<R> | R): Promise<R> {
    const { value, release } = await this.hold(key);
    try {
      return await work(value);
    } finally {
      release();
    }
  }

  /** All objects in memory. */
  async all(): Promise<T[]> {
    const opened = await Promise.allSettled([...this.#slots.values()].map(({ opening }) => opening));
    return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  async #release(id: string, slot: Slot<T>, value: T): Promise<void> {
    const { settled, weightOf = () => 0, maxIdleWeight = Number.POSITIVE_INFINITY } = this.#options;
    if (settled !== undefined) await settled(value);
    slot.holders -= 1;
    if (slot.holders > 0) return;
    const weight = weightOf(value);
    if (weight === null) {
      this.#slots.delete(id);
      return;
    }
    this.#idle.set(id, weight);
    this.#idleWeight += weight;
    for (const oldest of this.#idle.keys()) {
      if (this.#idle.size <= MAX_IDLE && this.#idleWeight <= maxIdleWeight) break;
      this.#forgetIdle(oldest);
      this.#slots.delete(oldest);
    }
  }

  #forgetIdle(id: string): void {
    this.#idleWeight -= this.#idle.get(id) ?? 0;
    this.#idle.delete(id);
  }
}
