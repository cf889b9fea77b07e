import { MAX_EVENT_BYTES } from '../raw-event.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A complete line. */
export interface CutLine {
  /** Length in bytes, including the line ending. */
  readonly bytes: number;
  /**
   * Text without the line ending; invalid UTF-8 becomes U+FFFD. Undefined if the line exceeds 1 MiB; such a line is not
   * buffered.
   */
  readonly text: string | undefined;
}

/**
 * Splits untrusted bytes into lines. Unlike the protocol's `LineSplitter`, it skips lines that are too long and accepts
 * invalid UTF-8. Buffers at most one unfinished line of 1 MiB.
 */
export class LineCutter {
  #held: Buffer[] = [];
  #length = 0;

  /** Yields the lines that end in this chunk. */
  *cut(piece: Buffer): Generator<CutLine, void> {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      this.#hold(piece.subarray(start, end));
      start = end + 1;
      yield this.#take(1);
    }
    this.#hold(piece.subarray(start));
  }

  /** The unfinished last line at the end of the input; undefined if there is none. */
  rest(): CutLine | undefined {
    return this.#length === 0 ? undefined : this.#take(0);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    if (this.#length > MAX_EVENT_BYTES) this.#held = [];
    // Copy the bytes, because the caller reuses its buffer.
    else this.#held.push(Buffer.from(bytes));
  }

  #take(endBytes: number): CutLine {
    const bytes = this.#length + endBytes;
    const line = this.#length > MAX_EVENT_BYTES ? undefined : Buffer.concat(this.#held);
    this.#held = [];
    this.#length = 0;
    const end = line?.at(-1) === CARRIAGE_RETURN ? -1 : undefined;
    return { bytes, text: line?.toString('utf8', 0, line.length + (end ?? 0)) };
  }
}
