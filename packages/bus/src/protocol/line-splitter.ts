import { isUtf8 } from 'node:buffer';
import { MAX_LINE_BYTES } from './limits.js';
import { ProtocolError } from './protocol-error.js';

const LINE_FEED = 0x0a;

/**
 * Splits a stream of bytes into lines. It buffers at most one unfinished line, and the buffer grows geometrically so
 * that many small chunks cost no more than one large chunk. It searches for the byte of the line feed, which occurs in
 * no other UTF-8 sequence, and decodes only whole lines: chunk boundaries inside a character do no harm.
 */
export class LineSplitter {
  #held = Buffer.alloc(0);
  #length = 0;

  /**
   * Yields each line that ends in this chunk, without its line feed.
   *
   * @throws ProtocolError from the iterator, after it has yielded the lines before the bad one.
   */
  *split(piece: Uint8Array): Generator<string, void, undefined> {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const rest = bytes.subarray(start, end);
      start = end + 1;
      this.#checkLength(rest.length);
      if (this.#length === 0) {
        yield textOf(rest);
      } else {
        this.#hold(rest);
        const line = this.#held.subarray(0, this.#length);
        this.#length = 0;
        yield textOf(line);
      }
    }
    const rest = bytes.subarray(start);
    this.#checkLength(rest.length);
    this.#hold(rest);
  }

  /** True if the buffer contains the start of a line. */
  get unfinished(): boolean {
    return this.#length > 0;
  }

  #checkLength(more: number): void {
    if (this.#length + more <= MAX_LINE_BYTES) return;
    throw new ProtocolError(
      'line_too_long',
      `A line has more than the ${MAX_LINE_BYTES} bytes allowed. It was not read to its end.`,
    );
  }

  #hold(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#held.length) {
      const larger = Buffer.alloc(Math.min(MAX_LINE_BYTES, Math.max(4096, length, 2 * this.#held.length)));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    this.#length = length;
  }
}

function textOf(line: Buffer): string {
  if (isUtf8(line)) return line.toString('utf8');
  throw new ProtocolError('not_utf8', 'A line is not UTF-8. The other side does not speak this protocol.');
}
