import { type CutLine, LineCutter } from './line-cutter.js';
import type { OpenFile } from './open-file.js';

/** Size of one read. */
const PIECE_BYTES = 64 * 1024;

/** A line of a file, and the byte at which the next line starts. */
export interface ReadLine extends CutLine {
  readonly next: number;
}

/** Reads complete lines from a byte position; each call of `read` continues after the last one. */
export class LineReader {
  readonly file: OpenFile;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #lines = new LineCutter();
  #next: number;
  #readTo: number;

  /** @param byte start of a line. */
  constructor(file: OpenFile, byte: number) {
    this.file = file;
    this.#next = byte;
    this.#readTo = byte;
  }

  /** Byte at which the next line starts. */
  get next(): number {
    return this.#next;
  }

  /**
   * Yields the lines completed since the last call; `cut` if the file was truncated or rewritten, and continues with
   * its first line.
   */
  async *read(): AsyncGenerator<ReadLine | 'cut', void> {
    for (;;) {
      if (!(await this.file.isWholeTo(this.#readTo))) {
        await this.file.renew();
        this.#lines = new LineCutter();
        this.#next = 0;
        this.#readTo = 0;
        yield 'cut';
      }
      const bytes = await this.file.read(this.#piece, this.#readTo);
      if (bytes === 0) return;
      this.#readTo += bytes;
      for (const line of this.#lines.cut(this.#piece.subarray(0, bytes))) yield this.#passed(line);
    }
  }

  /** The unfinished last line of a rotated file, which will never be completed. */
  rest(): ReadLine | undefined {
    const line = this.#lines.rest();
    return line === undefined ? undefined : this.#passed(line);
  }

  #passed(line: CutLine): ReadLine {
    this.#next += line.bytes;
    return { ...line, next: this.#next };
  }
}

/** Start of the unfinished last line; the end of the file if the last line is complete. */
export async function lastLineOf(file: OpenFile, longest: number): Promise<number> {
  const piece = Buffer.alloc(PIECE_BYTES);
  const size = await file.size();
  const first = Math.max(0, size - longest - 1);
  for (let end = size; end > first; end -= PIECE_BYTES) {
    const start = Math.max(first, end - PIECE_BYTES);
    const bytes = await file.read(piece.subarray(0, end - start), start);
    const at = piece.subarray(0, bytes).lastIndexOf(0x0a);
    if (at >= 0) return start + at + 1;
  }
  return first;
}
