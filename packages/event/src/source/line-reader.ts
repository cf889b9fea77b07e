import { type CutLine, LineCutter } from './line-cutter.js';
import type { OpenFile } from './open-file.js';

/** How much is read at once. */
const PIECE_BYTES = 64 * 1024;

/** A line of a file, and the byte where the next one begins. */
export interface ReadLine extends CutLine {
  readonly next: number;
}

/** Reads a file's lines from a byte on, as far as it has been written, and goes on from there when asked again. */
export class LineReader {
  readonly file: OpenFile;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #lines = new LineCutter();
  #next: number;
  #readTo: number;

  /** @param byte where a line begins. */
  constructor(file: OpenFile, byte: number) {
    this.file = file;
    this.#next = byte;
    this.#readTo = byte;
  }

  /** Where the next line begins. */
  get next(): number {
    return this.#next;
  }

  /** The lines that have ended since; `cut` where the file was cut or begun anew, and its first line comes next. */
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

  /** A last line that was begun and, as nobody writes to the file any more, will never end. */
  rest(): ReadLine | undefined {
    const line = this.#lines.rest();
    return line === undefined ? undefined : this.#passed(line);
  }

  #passed(line: CutLine): ReadLine {
    this.#next += line.bytes;
    return { ...line, next: this.#next };
  }
}

/** Where the last line that was begun but has not ended begins; the end of the file where there is none. */
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
