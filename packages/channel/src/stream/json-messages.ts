/**
 * Splits JSON bodies into messages. The text is stored as sent, so a number too large for JavaScript keeps its digits.
 */
import { isUtf8 } from 'node:buffer';
import type { Slice } from '@weir/base';
import { scanJson, spaceEnd, spaceStart } from './json-scan.js';
import { StreamError } from './stream-error.js';

/** The messages of a body, separated by commas, and their number. */
export interface Messages {
  readonly payload: Uint8Array;
  readonly count: number;
}

/** Maximum nesting of a body: deeper nesting would exhaust the stack of a recursive parser in the reader. */
const MAX_DEPTH = 1_000;

/**
 * Splits a body: each element of an array is a message; any other value is one message.
 * @param slice yields to the event loop during the check of a large body
 * @throws StreamError `invalid_message`
 */
export async function messagesOf(body: Uint8Array, slice: Slice): Promise<Messages> {
  await slice.enter();
  if (!isUtf8(body)) throw invalid('it is not UTF-8');
  const text = hasMark(body) ? body.subarray(MARK.length) : body;
  try {
    const { start, end, elements } = await scanJson(text, MAX_DEPTH, slice);
    if (elements === null) return { payload: text.subarray(start, end), count: 1 };
    const first = spaceEnd(text, start + 1);
    return { payload: text.subarray(first, Math.max(first, spaceStart(text, end - 1))), count: elements };
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(error.message);
    throw error;
  }
}

/** The first messages of a payload. */
export function firstMessages(payload: Uint8Array, count: number): Messages {
  return { payload: payload.subarray(0, endOf(payload, count)), count };
}

/** The byte order mark that some editors prepend; it is not part of the JSON text (RFC 8259, section 8.1). */
const MARK = Buffer.from('\ufeff');

function hasMark(body: Uint8Array): boolean {
  return MARK.every((byte, i) => body[i] === byte);
}

function invalid(reason: string): StreamError {
  return new StreamError('invalid_message', `the body is not valid JSON: ${reason}`);
}

/** Where message number `count` ends: before the comma that is outside of strings, arrays and objects. */
function endOf(payload: Uint8Array, count: number): number {
  let found = 0;
  return find(payload, (byte, depth) => {
    if (byte === COMMA && depth === 0) found += 1;
    return found === count;
  });
}

const [QUOTE, BACKSLASH, COMMA, OPENING, CLOSING, SQUARE] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0xdf];

/** The first wanted bracket, brace or comma outside of strings; the length of the text if there is none. */
function find(text: Uint8Array, isWanted: (byte: number, depth: number) => boolean): number {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isString = false;
      continue;
    }
    // Braces and brackets differ in one bit.
    const bracket = byte & SQUARE;
    if (byte === QUOTE) isString = true;
    else if (bracket === OPENING) depth += 1;
    else if (bracket === CLOSING) depth -= 1;
    else if (byte !== COMMA) continue;
    if (isWanted(byte, depth)) return at;
  }
  return text.length;
}
