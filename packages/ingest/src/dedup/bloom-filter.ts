/**
 * A Bloom filter over 128-bit keys that are uniformly distributed, in blocks of a cache line: the seven bits of a key
 * are in one block, so that a negative answer costs one memory access. At ten bits a key about one positive answer in
 * sixty is false (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
 */

const BITS_PER_KEY = 10;
const BLOCK_BYTES = 64;
/** Nine bits of a key select a bit of its block. */
const BIT_MASK = 0x1ff;

/** Answers whether a key is certainly absent, or may be present. */
export class BloomFilter {
  /** The filter's bits, to be stored. */
  readonly bytes: Uint8Array;
  readonly #blocks: number;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#blocks = bytes.length / BLOCK_BYTES;
  }

  /** An empty filter for `keys` keys. */
  static for(keys: number): BloomFilter {
    const blocks = Math.ceil((Math.max(keys, 1) * BITS_PER_KEY) / (BLOCK_BYTES * 8));
    return new BloomFilter(new Uint8Array(blocks * BLOCK_BYTES));
  }

  /** A stored filter. */
  static of(bytes: Uint8Array): BloomFilter {
    return new BloomFilter(bytes);
  }

  /** Adds key `index` of `keys`. */
  add(keys: Uint32Array, index: number): void {
    const block = this.#block(keys, index);
    for (let probe = 0; probe < 7; probe += 1) {
      const bit = bitOf(keys, index, probe);
      const at = block + (bit >>> 3);
      this.bytes[at] = (this.bytes[at] ?? 0) | (1 << (bit & 7));
    }
  }

  /** Whether key `index` of `keys` may have been added. */
  mayHave(keys: Uint32Array, index: number): boolean {
    const block = this.#block(keys, index);
    for (let probe = 0; probe < 7; probe += 1) {
      const bit = bitOf(keys, index, probe);
      if (((this.bytes[block + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  #block(keys: Uint32Array, index: number): number {
    return ((keys[index * 4 + 2] ?? 0) % this.#blocks) * BLOCK_BYTES;
  }
}

/** Probes 0 to 2 use the key's last word, 3 to 5 its second, the seventh its first. */
function bitOf(keys: Uint32Array, index: number, probe: number): number {
  const at = index * 4;
  if (probe < 3) return ((keys[at + 3] ?? 0) >>> (probe * 9)) & BIT_MASK;
  if (probe < 6) return ((keys[at + 1] ?? 0) >>> ((probe - 3) * 9)) & BIT_MASK;
  return (keys[at] ?? 0) & BIT_MASK;
}
