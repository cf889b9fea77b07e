/**
 * Validates JSON (RFC 8259) without building its values: ten megabytes of empty arrays would take a second and hundreds
 * of megabytes of memory. Validation takes about 70 ms for ten megabytes, so it yields to the event loop.
 */
import type { Slice } from '@weir/base';

/** The shape of a valid JSON text. */
export interface JsonShape {
  /** The offset of its value. */
  readonly start: number;
  readonly end: number;
  /** Number of elements; null if it is not an array. */
  readonly elements: number | null;
}

/** Bytes between two checks of the clock. */
const STEP_BYTES = 64 * 1024;
/** Maximum run of white space, and of digits; longer runs have no legitimate use. */
const MAX_RUN = 64 * 1024;

/**
 * Validates a text.
 * @param text UTF-8
 * @param slice yields to the event loop
 * @throws SyntaxError with the reason and the offset
 */
export async function scanJson(text: Uint8Array, maxDepth: number, slice: Slice): Promise<JsonShape> {
  const string = async (at: number): Promise<number> => {
    let end = stringEnd(text, at + 1);
    while (end < 0) {
      if (slice.isOver) await slice.next();
      end = stringEnd(text, -end);
    }
    return end;
  };
  /** Scans the name and colon of a member; returns the offset of its value. */
  const key = async (at: number): Promise<number> => {
    if (text[at] !== QUOTE) throw unexpected(text, at);
    const end = stringEnd(text, at + 1);
    const colon = spaceEnd(text, end < 0 ? await string(at) : end);
    if (text[colon] !== COLON) throw unexpected(text, colon);
    return spaceEnd(text, colon + 1);
  };
  const start = spaceEnd(text, 0);
  let look = STEP_BYTES;
  /** The open brackets around the offset, outermost first. */
  const open = new Uint8Array(maxDepth);
  let depth = 0;
  let commas = 0;
  for (let at = start; ; ) {
    if (at >= look) {
      look = at + STEP_BYTES;
      if (slice.isOver) await slice.next();
    }
    const byte = text[at];
    if (byte === BRACKET || byte === BRACE) {
      if (depth === maxDepth) throw new SyntaxError(`nested deeper than ${maxDepth} levels`);
      open[depth] = byte;
      depth += 1;
      at = spaceEnd(text, at + 1);
      if (text[at] !== byte + CLOSES) {
        if (byte === BRACE) at = await key(at);
        continue;
      }
      if (depth === 1) commas = -1;
    } else {
      const end = scalarEnd(text, at);
      at = end < 0 ? await string(at) : end;
    }
    // After a value: closing brackets, or the comma before the next value.
    for (;;) {
      at = spaceEnd(text, at);
      if (depth === 0) {
        if (at < text.length) throw unexpected(text, at);
        const end = spaceStart(text, at);
        return { start, end, elements: text[start] === BRACKET ? commas + 1 : null };
      }
      const kind = open[depth - 1] ?? 0;
      if (text[at] === COMMA) {
        if (depth === 1) commas += 1;
        at = spaceEnd(text, at + 1);
        if (kind === BRACE) at = await key(at);
        break;
      }
      if (text[at] !== kind + CLOSES) throw unexpected(text, at);
      depth -= 1;
      at += 1;
    }
  }
}

/** The first offset from `at` on that is not white space. */
export function spaceEnd(text: Uint8Array, at: number): number {
  if ((text[at] ?? MAX_SPACE) > MAX_SPACE) return at;
  let place = at;
  while (isSpace(text[place])) {
    place += 1;
    if (place - at > MAX_RUN) throw new SyntaxError(`more than ${MAX_RUN} spaces in a row at byte ${at}`);
  }
  return place;
}

/** The start of the white space before `at`. */
export function spaceStart(text: Uint8Array, at: number): number {
  let place = at;
  while (place > 0 && isSpace(text[place - 1])) place -= 1;
  return place;
}

/** The greatest code of a white space byte. */
const MAX_SPACE = 0x20;
const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x3a, 0x5b, 0x7b];
/** The difference between the codes of an opening bracket or brace and its closing one. */
const CLOSES = 2;
const [TRUE, FALSE, NULL] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')];
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The end of a scalar; negative for a long string, see {@link stringEnd}. */
function scalarEnd(text: Uint8Array, at: number): number {
  const byte = text[at];
  if (byte === QUOTE) return stringEnd(text, at + 1);
  if (byte === 0x2d || isDigit(byte)) return numberEnd(text, at);
  const literal = byte === 0x74 ? TRUE : byte === 0x66 ? FALSE : NULL;
  for (let i = 0; i < literal.length; i++) if (text[at + i] !== literal[i]) throw unexpected(text, at + i);
  return at + literal.length;
}

/**
 * The end of a string, from an offset inside it. After {@link STEP_BYTES} without an end: minus the offset to resume
 * from.
 */
function stringEnd(text: Uint8Array, at: number): number {
  for (let place = at; ; place++) {
    if (place - at > STEP_BYTES) return -place;
    const byte = text[place];
    if (byte === QUOTE) return place + 1;
    if (byte === undefined || byte < 0x20) throw unexpected(text, place);
    if (byte !== BACKSLASH) continue;
    place += 1;
    const escaped = text[place];
    if (escaped === 0x75) {
      for (let digit = 1; digit <= 4; digit++) if (!isHex(text[place + digit])) throw unexpected(text, place);
      place += 4;
    } else if (escaped === undefined || !ESCAPES.has(escaped)) {
      throw unexpected(text, place);
    }
  }
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}

function numberEnd(text: Uint8Array, at: number): number {
  const first = text[at] === 0x2d ? at + 1 : at;
  let place = text[first] === 0x30 ? first + 1 : digitsEnd(text, first);
  if (text[place] === 0x2e) place = digitsEnd(text, place + 1);
  if (text[place] === 0x65 || text[place] === 0x45) {
    const sign = text[place + 1];
    place = digitsEnd(text, sign === 0x2b || sign === 0x2d ? place + 2 : place + 1);
  }
  return place;
}

/** The end of at least one digit. */
function digitsEnd(text: Uint8Array, at: number): number {
  if (!isDigit(text[at])) throw unexpected(text, at);
  let place = at + 1;
  while (isDigit(text[place])) {
    place += 1;
    if (place - at > MAX_RUN) throw new SyntaxError(`a number of more than ${MAX_RUN} digits at byte ${at}`);
  }
  return place;
}

function unexpected(text: Uint8Array, at: number): SyntaxError {
  const byte = text[at];
  if (byte === undefined) return new SyntaxError('the text ends too early');
  const shown = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
  return new SyntaxError(`unexpected ${shown} at byte ${at}`);
}
