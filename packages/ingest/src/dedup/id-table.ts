/**
 * A hash table of 128-bit keys in typed arrays: open addressing, linear probing, fixed capacity. A million ids cost
 * 48 MB and nothing for the garbage collector to walk.
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
   * @param salt random odd number: without it a client could choose ids that all fall into one place
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

  /** Slots that can no longer be used for a new key: keys, and places of removed ones. */
  get used(): number {
    return this.#used;
  }

  /** The value of key `index` of `keys`; 0 where it is not in the table. */
  get(keys: Uint32Array, index: number): number {
    const slot = this.#find(keys, index);
    const value = this.#values[slot] ?? EMPTY;
    return Math.max(value, 0);
  }

  /** Adds key `index` of `keys`, which must not be in the table. `value` is positive. */
  add(keys: Uint32Array, index: number, value: number): void {
    const slot = this.#find(keys, index);
    if (this.#values[slot] === EMPTY) {
      this.#used += 1;
      this.#words.set(keys.subarray(index * 4, index * 4 + 4), slot * 4);
    }
    this.#values[slot] = value;
    this.#size += 1;
  }

  /** Takes key `index` of `keys` out, if it is there. */
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

  /** The four words of the key in a slot, or null for an empty one. A view: do not keep it. */
  wordsAt(slot: number): Uint32Array | null {
    return (this.#values[slot] ?? EMPTY) > 0 ? this.#words.subarray(slot * 4, slot * 4 + 4) : null;
  }

  /** The slot holding the key (also a removed one of the same key), or the empty slot where it belongs. */
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
