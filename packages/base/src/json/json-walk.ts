/**
 * Finds the end of a JSON value without building any object. It only follows strings and brackets; `JSON.parse` of the
 * found range decides whether it is JSON. So an array or object may be cut at the found offsets and parsed piece by
 * piece: the pieces are valid exactly if the whole is.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Bytes of one {@link JsonWalk.step}: well under a millisecond. */
const STEP_BYTES = 128 * 1024;

/** A walk over one value. */
export class JsonWalk {
  readonly #bytes: Uint8Array;
  #at: number;
  #depth = 0;
  #deepest = 0;
  #items = 1;
  #names = 0;
  #isInString = false;
  #isOver = false;

  /** @param at start of the value; preceding white space counts as part of it */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The current offset; at the end, the first byte after the value. */
  get at(): number {
    return this.#at;
  }

  /** Number of values so far, including containers: an upper bound of the objects that parsing creates. */
  get items(): number {
    return this.#items;
  }

  /** Number of names in objects so far. */
  get names(): number {
    return this.#names;
  }

  /** Deepest nesting so far: 0 for a scalar, 1 for `[]`. */
  get deepest(): number {
    return this.#deepest;
  }

  /**
   * Continues over at most {@link STEP_BYTES}.
   * @returns whether the value has ended, or the bytes have
   */
  step(): boolean {
    const bytes = this.#bytes;
    const stop = Math.min(bytes.length, this.#at + STEP_BYTES);
    let at = this.#at;
    let depth = this.#depth;
    let items = this.#items;
    let names = this.#names;
    let deepest = this.#deepest;
    let isInString = this.#isInString;
    let isOver = this.#isOver;
    while (at < stop && !isOver) {
      const c = bytes[at];
      at += 1;
      if (isInString) {
        if (c === BACKSLASH) at += 1;
        else if (c === QUOTE) {
          isInString = false;
          isOver = depth === 0;
        }
      } else if (c === QUOTE) {
        isInString = true;
      } else if (c === COMMA && depth > 0) {
        items += 1;
      } else if (c === COLON) {
        names += 1;
      } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        depth += 1;
        items += 1;
        if (depth > deepest) deepest = depth;
      } else if ((c === CLOSE_BRACE || c === CLOSE_BRACKET) && depth > 0) {
        depth -= 1;
        isOver = depth === 0;
      } else if (c === COMMA || c === CLOSE_BRACE || c === CLOSE_BRACKET) {
        // This byte ends a scalar and belongs to the enclosing container.
        at -= 1;
        isOver = true;
      }
    }
    this.#at = Math.min(at, bytes.length);
    this.#depth = depth;
    this.#items = items;
    this.#names = names;
    this.#deepest = deepest;
    this.#isInString = isInString;
    this.#isOver = isOver || this.#at >= bytes.length;
    return this.#isOver;
  }
}

/** A text without the byte order mark that some editors prepend (RFC 8259, section 8.1 lets a parser ignore it). */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** Whether a byte is JSON's white space. */
export function isSpace(c: number | undefined): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

/** The first byte from `at` on that is not white space; `stop` if there is none before it. */
export function skipSpace(bytes: Uint8Array, at: number, stop = bytes.length): number {
  let i = at;
  while (i < stop && isSpace(bytes[i])) i += 1;
  return i;
}
