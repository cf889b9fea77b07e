/**
 * A hash table of 128-bit keys in typed arrays: open addressing, linear probing, fixed capacity. A million ids take
 * 48 MB and cost the garbage collector nothing.
 */

const EMPTY = 0;
const REMOVED = -1;

/** Maps event keys (four 32-bit words) to a positive number. */
export class IdTable {
  readonly #mask: number;
  readonly #words: Uint32Array;
  readonly #values: Float64Array;
  readonly #salt: number;
  #used = 0;
  #size = 0;

  /**
   * @param capacity slots, a power of two; keep the table at most half full
   * @param salt random odd number: without it a client could choose ids that collide
   */
  constructor(capacity: number, salt: number) {
    this.#mask = capacity - 1;
    this.#salt = salt | 1;
    this.#words = new Uint32Array(capacity * 4);
    this.#values = new Float64Array(capacity);
  }

  /** Keys in the table. */
  get size(): number {
    return this.#size;
  }

  /** Slots that cannot hold a new key: used ones, and those of removed keys. */
  get used(): number {
    return this.#used;
  }

  /** The value of key `index` of `keys`; 0 if it is absent. */
  get(keys: Uint32Array, index: number): number {
    const slot = this.#find(keys, index);
    const value = this.#values[slot] ?? EMPTY;
    return Math.max(value, 0);
  }

  /** Adds key `index` of `keys`, which must be absent. `value` is positive. */
  add(keys: Uint32Array, index: number, value: number): void {
    const slot = this.#find(keys, index);
    if (this.#values[slot] === EMPTY) {
      this.#used += 1;
      this.#words.set(keys.subarray(index * 4, index * 4 + 4), slot * 4);
    }
    this.#values[slot] = value;
    this.#size += 1;
  }

  /** Removes key `index` of `keys`, if it is present. */
  remove(keys: Uint32Array, index: number): void {
    const slot = this.#find(keys, index);
    if ((this.#values[slot] ?? EMPTY) <= 0) return;
    this.#values[slot] = REMOVED;
    this.#size -= 1;
  }

  /** Number of slots, for {@link wordsAt}. */
  get capacity(): number {
    return this.#mask + 1;
  }

  /** The four words of the key in a slot; null for an empty one. A view: do not store it. */
  wordsAt(slot: number): Uint32Array | null {
    return (this.#values[slot] ?? EMPTY) > 0 ? this.#words.subarray(slot * 4, slot * 4 + 4) : null;
  }

  /** The slot of the key (also of a removed one), or the empty slot for it. */
  #find(keys: Uint32Array, index: number): number {
    const at = index * 4;
    const words = this.#words;
    const values = this.#values;
    const a = keys[at] ?? 0;
    const b = keys[at + 1] ?? 0;
    const c = keys[at + 2] ?? 0;
    const d = keys[at + 3] ?? 0;
    let slot = Math.imul(a ^ Math.imul(b, this.#salt), this.#salt) >>> 7;
    for (;;) {
      slot &= this.#mask;
      if (values[slot] === EMPTY) return slot;
      const w = slot * 4;
      if (words[w] === a && words[w + 1] === b && words[w + 2] === c && words[w + 3] === d) return slot;
      slot += 1;
    }
  }
}
