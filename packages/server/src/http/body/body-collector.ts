import type { MemoryShare } from '../memory-budget.js';

const NOTHING = Buffer.alloc(0);
const FIRST_BYTES = 4 * 1024;

/**
 * Joins the chunks of a body in one growing buffer, whose capacity is charged before it is allocated. A list of chunks
 * would cost a hundred bytes for a chunk of one byte, and each chunk would keep its whole socket-read buffer alive.
 */
export class BodyCollector {
  readonly #share: MemoryShare;
  readonly #maxBytes: number;
  #buffer: Buffer = NOTHING;
  #length = 0;

  /** @param maxBytes maximum length of a body; bounds the capacity */
  constructor(share: MemoryShare, maxBytes: number) {
    this.#share = share;
    this.#maxBytes = maxBytes;
  }

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  /** @throws Problem if the memory of all bodies is used up */
  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) this.#grow(length);
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Returns the collected bytes. The collector must not be used afterwards. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(length: number): void {
    const capacity = Math.max(
      length,
      Math.min(this.#maxBytes, Math.max(FIRST_BYTES, this.#buffer.length * 2)),
    );
    // Both buffers exist during the copy.
    this.#share.take(capacity);
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#share.take(-this.#buffer.length);
    this.#buffer = grown;
  }
}
