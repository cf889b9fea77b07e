import { incompleteUtf8 } from '@weir/base';

/** Splits a byte stream at the boundaries of UTF-8 characters: an incomplete last character waits for the next chunk. */
export class WholeCharacters {
  #rest = Buffer.alloc(0);

  /** Returns the complete characters; empty if there are none. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.length - incompleteUtf8(bytes);
    this.#rest = Buffer.from(bytes.subarray(end));
    return bytes.subarray(0, end);
  }

  /** Returns the incomplete rest at the end of the stream. */
  end(): Buffer {
    return this.#rest;
  }
}
