import { MAX_EVENT_BYTES } from '../raw-event.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** One line that has ended. */
export interface CutLine {
  /** All its bytes, with what ended it. */
  readonly bytes: number;
  /** Without its end; bytes that are no UTF-8 are U+FFFD. Undefined for a line above 1 MiB, which is not held. */
  readonly text: string | undefined;
}

/**
 * Cuts bytes of anybody's making into lines; the protocol's own `LineSplitter` stops at what this passes over: lines
 * that are too long, or no UTF-8. It holds at most one unfinished line of 1 MiB.
 */
export class LineCutter {
  #held: Buffer[] = [];
  #length = 0;

  /** The lines that end in this piece. */
  *cut(piece: Buffer): Generator<CutLine, void> {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      this.#hold(piece.subarray(start, end));
      start = end + 1;
      yield this.#take(1);
    }
    this.#hold(piece.subarray(start));
  }

  /** What was begun and will never end; undefined where nothing was. */
  rest(): CutLine | undefined {
    return this.#length === 0 ? undefined : this.#take(0);
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    if (this.#length > MAX_EVENT_BYTES) this.#held = [];
    // A copy: who reads fills the same memory again.
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
