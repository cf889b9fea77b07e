import type { MemoryShare } from '../memory-budget.js';

const NOTHING = Buffer.alloc(0);
const FIRST_BYTES = 4 * 1024;

/**
 * Joins the chunks of a body in one growing buffer, whose capacity is charged before it is allocated. A list of chunks would
 * cost a hundred bytes for a chunk of one byte, and each chunk keeps alive the buffer of the socket read it came in.
 */
export class BodyCollector {
  readonly #share: MemoryShare;
  readonly #maxBytes: number;
  #buffer: Buffer = NOTHING;
  #length = 0;

  /** @param maxBytes no body is longer; bounds the capacity */
  constructor(share: MemoryShare, maxBytes: number) {
    this.#share = share;
    this.#maxBytes = maxBytes;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** @throws Problem when the memory of all bodies is used up */
  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** What was collected. The collector must not be used after. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const capacity = Math.max(
      length,
      Math.min(this.#maxBytes, Math.max(FIRST_BYTES, this.#buffer.length * 2)),
    );
    // Both exist while the bytes are copied.
    this.#share.take(capacity);
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#share.take(-this.#buffer.length);
    this.#buffer = grown;
  }
}
