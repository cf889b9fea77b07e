/**
 * A block: the entries that one commit added to one stream, packed into one value. One store operation per group of
 * appends makes appends cheap; in return, entries are freed only by block.
 *
 * Layout, little-endian: position f64 | count u32 | end u32 × count | data. `position` is the number of bytes appended
 * to the stream before this block, so that the bytes between two positions are a subtraction. `end` is where an entry
 * ends within the data.
 */
const HEADER = 12;

/**
 * A block accepts no further entry once its data reaches this size, which also bounds the bytes copied for reading one
 * entry.
 */
const BLOCK_BYTES = 64 * 1024;

/** Collects entries for one block. */
export class BlockBuilder {
  readonly first: number;
  readonly #position: number;
  readonly #entries: Uint8Array[] = [];
  #bytes = 0;

  constructor(first: number, position: number) {
    this.first = first;
    this.#position = position;
  }

  get full(): boolean {
    return this.#bytes >= BLOCK_BYTES;
  }

  add(entry: Uint8Array): void {
    this.#entries.push(entry);
    this.#bytes += entry.byteLength;
  }

  build(): Buffer {
    const count = this.#entries.length;
    const start = HEADER + 4 * count;
    const block = Buffer.allocUnsafeSlow(start + this.#bytes);
    block.writeDoubleLE(this.#position, 0);
    block.writeUInt32LE(count, 8);
    let end = 0;
    let at = HEADER;
    for (const entry of this.#entries) {
      block.set(entry, start + end);
      end += entry.byteLength;
      at = block.writeUInt32LE(end, at);
    }
    return block;
  }
}

/** Reads a block's entries in place. */
export class BlockReader {
  readonly first: number;
  readonly count: number;
  readonly #block: Buffer;

  constructor(first: number, block: Buffer) {
    this.first = first;
    this.#block = block;
    this.count = block.readUInt32LE(8);
  }

  get last(): number {
    return this.first + this.count - 1;
  }

  /** The bytes of an entry of this block; a view of the block. */
  entry(offset: number): Buffer {
    const start = HEADER + 4 * this.count;
    const i = offset - this.first;
    return this.#block.subarray(start + this.#end(i - 1), start + this.#end(i));
  }

  /** Total bytes appended to the stream before this entry. */
  positionOf(offset: number): number {
    return this.#block.readDoubleLE(0) + this.#end(offset - this.first - 1);
  }

  #end(i: number): number {
    return i < 0 ? 0 : this.#block.readUInt32LE(HEADER + 4 * i);
  }
}
