/** JSON bodies as messages. Their text is kept as it was sent: a number too large for JavaScript stays what it is. */
import { StreamError } from './stream-error.js';

/** The messages of a body, with commas between, and how many they are. */
export interface Messages {
  readonly payload: Buffer;
  readonly count: number;
}

/**
 * Takes a body apart: an array is as many messages as it has elements, anything else is one.
 * @throws StreamError `invalid_message`
 */
export function messagesOf(body: Uint8Array): Messages {
  const { text, value } = parse(body);
  if (!Array.isArray(value)) return { payload: Buffer.from(text), count: 1 };
  return { payload: Buffer.from(text.slice(1, -1).trim()), count: value.length };
}

/** The first messages of a payload. */
export function firstMessages({ payload }: Pick<Messages, 'payload'>, count: number): Messages {
  return { payload: payload.subarray(0, endOf(payload, count)), count };
}

/** Deeper than anybody means it: reading millions of levels would keep everybody else waiting. */
const MAX_DEPTH = 1_000;

function parse(body: Uint8Array): { readonly text: string; readonly value: unknown } {
  if (isTooDeep(body)) {
    throw new StreamError('invalid_message', `the body is nested deeper than ${MAX_DEPTH} levels`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
    return { text, value: JSON.parse(text) };
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw new StreamError('invalid_message', `the body is not JSON: ${reason}`);
  }
}

/** Where message number `count` ends: before a comma that is in no string, array or object. */
function endOf(payload: Uint8Array, count: number): number {
  let found = 0;
  return find(payload, (byte, depth) => {
    if (byte === COMMA && depth === 0) found += 1;
    return found === count;
  });
}

function isTooDeep(body: Uint8Array): boolean {
  return find(body, (_byte, depth) => depth > MAX_DEPTH) < body.byteLength;
}

const [QUOTE, BACKSLASH, COMMA, OPENING, CLOSING, SQUARE] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0xdf];

/** The first bracket, brace or comma outside of strings that is wanted; the length of the text where none is. */
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
    // Braces differ from brackets in one bit.
    const bracket = byte & SQUARE;
    if (byte === QUOTE) isString = true;
    else if (bracket === OPENING) depth += 1;
    else if (bracket === CLOSING) depth -= 1;
    else if (byte !== COMMA) continue;
    if (isWanted(byte, depth)) return at;
  }
  return text.length;
}
