import { incompleteUtf8 } from '@weir/base';

/** Chunks of a byte stream cut at the ends of UTF-8 characters: an incomplete last character waits for the next chunk. */
export class WholeCharacters {
  #rest = Buffer.alloc(0);

  /** What is complete; empty where nothing is. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.length - incompleteUtf8(bytes);
    this.#rest = Buffer.from(bytes.subarray(end));
    return bytes.subarray(0, end);
  }

  /** What is left at the end of the stream: bytes that are no text. */
  end(): Buffer {
    return this.#rest;
  }
}
