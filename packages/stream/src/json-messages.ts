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

function parse(body: Uint8Array): { readonly text: string; readonly value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body).trim();
    return { text, value: JSON.parse(text) };
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw new StreamError('invalid_message', `the body is not JSON: ${reason}`);
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Where message number `count` ends: before a comma that is in no string, array or object. */
function endOf(payload: Buffer, count: number): number {
  let depth = 0;
  let isString = false;
  let found = 0;
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isString = false;
    } else if (byte === QUOTE) {
      isString = true;
    } else if (OPENING.has(byte)) {
      depth += 1;
    } else if (CLOSING.has(byte)) {
      depth -= 1;
    } else if (byte === COMMA && depth === 0) {
      found += 1;
      if (found === count) return at;
    }
  }
  return payload.length;
}
