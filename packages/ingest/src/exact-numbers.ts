/**
 * JSON numbers that keep their digits.
 *
 * `JSON.parse` rounds numbers that a double cannot represent (2^53 + 1, 1e999). Before parsing, such numbers are
 * replaced by strings with a mark; when properties are serialised, the strings become numbers again. The mark contains
 * a random word of this process, so clients cannot forge it.
 */
import { randomBytes } from 'node:crypto';

const MARK = `~weir:${randomBytes(16).toString('hex')}~`;
const MARKED = new RegExp(`"${MARK}([-+.0-9eE]+)"`, 'g');

const JSON_NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Whether a parsed value is a marked number, where a caller expects a string. */
export function isMarkedNumber(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(MARK);
}

/** The digits of a marked number; null for any other value. */
export function unmarkedNumber(value: unknown): string | null {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}

/**
 * Whether digits are an integer outside of Int64 and UInt64. JSON has no leading zeros, so texts of equal length
 * compare like numbers.
 */
export function isLongInteger(digits: string): boolean {
  const { length } = digits;
  if (length < LONGEST_INT64.length || NOT_DIGITS.test(digits)) return false;
  if (length > LONGEST_INT64.length) return true;
  return digits > (digits.startsWith('-') ? LONGEST_INT64 : LONGEST_UINT64);
}

const LONGEST_INT64 = '-9223372036854775808';
const LONGEST_UINT64 = '18446744073709551615';
const NOT_DIGITS = /[.eE]/;

/**
 * Parses JSON, marking every negative zero and every number with a fraction, an exponent or at least sixteen digits.
 * @throws SyntaxError with offsets in `json`
 */
export function parseMarked(json: string): unknown {
  const marked = markNumbers(json);
  try {
    return JSON.parse(marked);
  } catch (error) {
    // Marks shift the text after them, so the offsets in this error are wrong.
    JSON.parse(json);
    throw error;
  }
}

/** A JSON text without marks. */
export interface Unmarked {
  readonly json: string;
  /** Whether it contains integers outside of Int64 and UInt64, which are now strings. */
  readonly long: boolean;
}

/**
 * Replaces the marked numbers of a JSON text by their original text; an integer beyond 64 bits by a string of its
 * digits, because ClickHouse cannot parse a document with such a number.
 * @throws RangeError for one that no double can represent, such as 1e999
 */
export function unmarkNumbers(marked: string): Unmarked {
  let long = false;
  const json = marked.replace(MARKED, (_, digits: string) => {
    if (isLongInteger(digits)) {
      long = true;
      return `"${digits}"`;
    }
    if (!Number.isFinite(Number(digits))) throw new RangeError('number out of range');
    return digits;
  });
  return { json, long };
}

/** The text with marks; unchanged if it is not JSON, so that JSON.parse rejects it. */
function markNumbers(json: string): string {
  let out = '';
  let copied = 0;
  for (let i = 0; i < json.length; ) {
    const c = json.charCodeAt(i);
    if (c === 0x22) {
      i = endOfString(json, i);
    } else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      JSON_NUMBER.lastIndex = i;
      const number = JSON_NUMBER.exec(json)?.[0];
      if (number === undefined) return json;
      const end = i + number.length;
      const next = endOfSpace(json, end);
      // As strings, `01` and `1a` would hide an error, and `{1.5 :2}` would become an object with the name "1.5".
      if (next < json.length && !',]}'.includes(json.charAt(next))) return json;
      const digits = number.length - (c === 0x2d ? 1 : 0);
      if (digits >= 16 || number === '-0' || /[.eE]/.test(number)) {
        out += `${json.slice(copied, i)}"${MARK}${number}"`;
        copied = end;
      }
      i = next;
    } else {
      i += 1;
    }
  }
  return out + json.slice(copied);
}

function endOfString(json: string, start: number): number {
  for (let i = start + 1; i < json.length; i += 1) {
    const c = json.charCodeAt(i);
    if (c === 0x5c) i += 1;
    else if (c === 0x22) return i + 1;
  }
  return json.length;
}

function endOfSpace(json: string, start: number): number {
  let at = start;
  while (at < json.length && ' \t\r\n'.includes(json.charAt(at))) at += 1;
  return at;
}
