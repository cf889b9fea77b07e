/**
 * JSON numbers that keep their digits.
 *
 * `JSON.parse` rounds what a double cannot hold (2^53 + 1, 1e999). Nearly no body has such a number, so bodies are
 * looked over with one regular expression, and only a body that may have one pays for this: its delicate numbers are
 * put between quotes behind a mark before parsing, and taken out of them again when properties are written back.
 * The mark holds a random word of this process, so no client can write one.
 */
import { randomBytes } from 'node:crypto';

const MARK = `~weir:${randomBytes(16).toString('hex')}~`;
const MARKED = new RegExp(`"${MARK}([-+.0-9eE]+)"`, 'g');

/** A number with sixteen digits before any point, or an exponent of three digits, in the place of a JSON value. */
const DELICATE = /[:,[]\s*-?\d(?:\d{15}|[\d.]*[eE]\+?\d{3})/;
/** A timestamp with a fraction or an exponent: refused, though `JSON.parse` may make an integer of it. */
const INEXACT_TIME = /"(?:timestamp|sent_at)"\s*:\s*-?\d+[.eE]/;
const JSON_NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Whether plain `JSON.parse` could change a number of this text that Weir promises to keep. */
export function hasDelicateNumbers(json: string): boolean {
  return DELICATE.test(json) || INEXACT_TIME.test(json);
}

/** Whether a parsed value is a number under the mark, where a caller expects a string. */
export function isMarkedNumber(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith(MARK);
}

/** Parses JSON with every number that has a fraction, an exponent or sixteen digits left under the mark. */
export function parseMarked(json: string): unknown {
  return JSON.parse(markNumbers(json));
}

/** A number a double cannot hold, such as 1e999. */
export class NumberOutOfRange extends Error {
  constructor() {
    super('number out of range');
  }
}

/**
 * Writes the marked numbers of a JSON text back as they were sent.
 * @throws NumberOutOfRange for one that no double can hold.
 */
export function unmarkNumbers(json: string): string {
  return json.replace(MARKED, (_, digits: string) => {
    if (!Number.isFinite(Number(digits))) throw new NumberOutOfRange();
    return digits;
  });
}

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
      if (number === undefined) {
        i += 1; // A stray minus: left for JSON.parse to refuse.
        continue;
      }
      const end = i + number.length;
      const digits = number.length - (c === 0x2d ? 1 : 0);
      if ((digits >= 16 || /[.eE]/.test(number)) && endsValue(json, end)) {
        out += `${json.slice(copied, i)}"${MARK}${number}"`;
        copied = end;
      }
      i = end;
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

/** Whether a number may end here; if not (`01`, `1a`), quoting it would hide a mistake from JSON.parse. */
function endsValue(json: string, at: number): boolean {
  return at >= json.length || ',]} \t\r\n'.includes(json.charAt(at));
}
