/**
 * A Bloom filter over 128-bit keys that are already uniformly distributed: ten bits a key and seven probes give about
 * one false "maybe" in a hundred. The probes come from two words of the key (Kirsch and Mitzenmacher, "Less Hashing,
 * Same Performance", 2006).
 */

const BITS_PER_KEY = 10;
const PROBES = 7;

/** Says "no" for certain or "maybe" of a key. */
export class BloomFilter {
  /** The filter's bits, to be stored. */
  readonly bytes: Uint8Array;
  readonly #bits: number;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#bits = bytes.length * 8;
  }

  /** An empty filter for `keys` keys. */
  static for(keys: number): BloomFilter {
    return new BloomFilter(new Uint8Array(Math.ceil((Math.max(keys, 1) * BITS_PER_KEY) / 8)));
  }

  /** A stored filter. */
  static of(bytes: Uint8Array): BloomFilter {
    return new BloomFilter(bytes);
  }

  /** Adds key `index` of `keys`. */
  add(keys: Uint32Array, index: number): void {
    let bit = keys[index * 4 + 2] ?? 0;
    const step = (keys[index * 4 + 3] ?? 0) | 1;
    for (let i = 0; i < PROBES; i += 1) {
      const place = (bit >>> 0) % this.#bits;
      this.bytes[place >>> 3] = (this.bytes[place >>> 3] ?? 0) | (1 << (place & 7));
      bit = (bit + step) | 0;
    }
  }

  /** Whether key `index` of `keys` may have been added. */
  mayHave(keys: Uint32Array, index: number): boolean {
    let bit = keys[index * 4 + 2] ?? 0;
    const step = (keys[index * 4 + 3] ?? 0) | 1;
    for (let i = 0; i < PROBES; i += 1) {
      const place = (bit >>> 0) % this.#bits;
      if (((this.bytes[place >>> 3] ?? 0) & (1 << (place & 7))) === 0) return false;
      bit = (bit + step) | 0;
    }
    return true;
  }
}
