/**
 * JSON numbers that keep their digits.
 *
 * `JSON.parse` rounds what a double cannot hold (2^53 + 1, 1e999). Numbers that it could change are put between quotes behind
 * a mark before parsing, and taken out of them again when properties are written back.
 * The mark holds a random word of this process, so no client can write one.
 */
import { randomBytes } from 'node:crypto';

const MARK = `~weir:${randomBytes(16).toString('hex')}~`;
const MARKED = new RegExp(`"${MARK}([-+.0-9eE]+)"`, 'g');

const JSON_NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Whether a parsed value is a number under the mark, where a caller expects a string. */
export function isMarkedNumber(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(MARK);
}

/** The digits of a number under the mark; null for any other value. */
export function unmarkedNumber(value: unknown): string | null {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : null;
}

/** Whether digits are an integer that neither Int64 nor UInt64 holds. JSON writes no leading zeros, so texts of one length compare like numbers. */
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
 * Parses JSON with every negative zero and every number that has a fraction, an exponent or sixteen digits left under the mark.
 * @throws SyntaxError with places in `json`
 */
export function parseMarked(json: string): unknown {
  const marked = markNumbers(json);
  try {
    return JSON.parse(marked);
  } catch (error) {
    // Marks move what stands behind them, so the places in this error are wrong.
    JSON.parse(json);
    throw error;
  }
}

/** A JSON text without marks. */
export interface Unmarked {
  readonly json: string;
  /** Whether it holds integers, now strings, that neither Int64 nor UInt64 holds. */
  readonly long: boolean;
}

/**
 * Writes the marked numbers of a JSON text back as they were sent; an integer beyond 64 bits as a string of its digits,
 * because ClickHouse reads nothing of a document with such a number.
 * @throws RangeError for one that no double can hold, such as 1e999
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

/** The text with marks; the text itself if it is not JSON, for JSON.parse to refuse. */
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
      // Between quotes, `01` and `1a` would hide a mistake, and `{1.5 :2}` would become an object with the name "1.5".
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
