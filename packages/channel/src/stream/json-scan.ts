/**
 * Checks JSON (RFC 8259) without building its values: those of ten megabytes of empty arrays would take a second and hundreds
 * of megabytes. The check itself takes about 70 ms for ten megabytes, so it gives up the event loop on the way.
 */
import type { Slice } from '@weir/base';

/** What is known of a JSON text once it was read. */
export interface JsonShape {
  /** Where its one value is. */
  readonly start: number;
  readonly end: number;
  /** How many elements it has; null where it is no array. */
  readonly elements: number | null;
}

/** Bytes between two looks at the clock. */
const STEP_BYTES = 64 * 1024;
/** White space in a row, and digits of a number: neither has a use for more. */
const MAX_RUN = 64 * 1024;

/**
 * Checks a text.
 * @param text UTF-8
 * @param slice gives up the event loop
 * @throws SyntaxError with the reason and the place
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
  /** A member's name and colon: where its value begins. */
  const key = async (at: number): Promise<number> => {
    if (text[at] !== QUOTE) throw unexpected(text, at);
    const end = stringEnd(text, at + 1);
    const colon = spaceEnd(text, end < 0 ? await string(at) : end);
    if (text[colon] !== COLON) throw unexpected(text, colon);
    return spaceEnd(text, colon + 1);
  };
  const start = spaceEnd(text, 0);
  let look = STEP_BYTES;
  /** The opening brackets around the place, outermost first. */
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
      if (depth === maxDepth) throw new SyntaxError(`it is nested deeper than ${maxDepth} levels`);
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
    // Behind a value: brackets that close here or the comma before the next.
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

/** The first place from `at` on that is no white space. */
export function spaceEnd(text: Uint8Array, at: number): number {
  if ((text[at] ?? MAX_SPACE) > MAX_SPACE) return at;
  let place = at;
  while (isSpace(text[place])) {
    place += 1;
    if (place - at > MAX_RUN) throw new SyntaxError(`more than ${MAX_RUN} spaces in a row at byte ${at}`);
  }
  return place;
}

/** The first place of the white space before `at`. */
export function spaceStart(text: Uint8Array, at: number): number {
  let place = at;
  while (place > 0 && isSpace(text[place - 1])) place -= 1;
  return place;
}

/** The greatest byte that is white space. */
const MAX_SPACE = 0x20;
const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x3a, 0x5b, 0x7b];
/** How far a bracket's or brace's counterpart is from it. */
const CLOSES = 2;
const [TRUE, FALSE, NULL] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')];
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Where a scalar ends; negative for a long string, see {@link stringEnd}. */
function scalarEnd(text: Uint8Array, at: number): number {
  const byte = text[at];
  if (byte === QUOTE) return stringEnd(text, at + 1);
  if (byte === 0x2d || isDigit(byte)) return numberEnd(text, at);
  const literal = byte === 0x74 ? TRUE : byte === 0x66 ? FALSE : NULL;
  for (let i = 0; i < literal.length; i++) if (text[at + i] !== literal[i]) throw unexpected(text, at + i);
  return at + literal.length;
}

/** Where a string ends, from a place inside of it; after {@link STEP_BYTES} without an end, minus the place to go on from. */
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

/** One digit at least. */
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
  if (byte === undefined) return new SyntaxError('it breaks off');
  const shown = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
  return new SyntaxError(`unexpected ${shown} at byte ${at}`);
}
