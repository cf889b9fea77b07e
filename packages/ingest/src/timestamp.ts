/** Parses instants as clients write them: RFC 3339 with a zone, or integer epoch milliseconds. */

/** The text after the seconds: an optional fraction, and the zone. */
const TAIL = /^(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const POINT = 0x2e;
const ZERO = 0x30;
const LETTER_Z = 0x5a;

/** The zero time of some languages, `0001-01-01T00:00:00Z`: it means "not set". */
const ZERO_TIME = Date.parse('0001-01-01T00:00:00Z');

/**
 * Epoch milliseconds of an RFC 3339 text with a zone, truncated to milliseconds; null if it is invalid (no zone, date
 * only, a day that does not exist).
 */
export function parseRfc3339(text: string): number | null {
  // Digit by digit: every event has a timestamp, and a regular expression for the whole costs several times as much.
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (Number.isNaN(year + month + day + hour + minute + second) || !hasSeparators(text)) return null;
  // A second of 60 is a leap second (RFC 3339, section 5.6): it becomes the first of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || month < 1 || month > 12) return null;
  if (day < 1 || day > daysIn(year, month)) return null;
  const seconds = (daysSinceEpoch(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
  return withMilliseconds(seconds * 1000, text) ?? withTail(seconds * 1000, text.slice(19));
}

/** The value of a `timestamp` or `sent_at`: an instant, missing, an integer that looks like seconds, or invalid. */
export type ParsedInstant = number | 'missing' | 'seconds' | 'invalid';

/** Integers below this many milliseconds (March 1973) are considered seconds, which would read as January 1970. */
const LEAST_MS = 100_000_000_000;

/** Forms that {@link parseInstant} reads. */
export const INSTANT_FORMS = 'RFC 3339 with a zone (2026-11-30T10:00:00Z) or integer epoch milliseconds';

/** Parses a JSON value as an instant. Fractions are rejected here; exponents never reach it (see exact-numbers). */
export function parseInstant(value: unknown): ParsedInstant {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return 'invalid';
    return value < LEAST_MS ? 'seconds' : value;
  }
  if (typeof value !== 'string') return 'invalid';
  const ms = parseRfc3339(value);
  if (ms === null) return 'invalid';
  return ms === ZERO_TIME ? 'missing' : ms;
}

/** Parses the tail `.sssZ`, which most clients write, without the regular expression; null for any other. */
function withMilliseconds(ms: number, text: string): number | null {
  if (text.length !== 24 || text.charCodeAt(19) !== POINT || text.charCodeAt(23) !== LETTER_Z) return null;
  const fraction = (text.charCodeAt(20) - ZERO) * 100 + twoDigits(text, 21);
  return fraction >= 0 && fraction < 1_000 ? ms + fraction : null;
}

function withTail(ms: number, tail: string): number | null {
  if (tail === 'Z') return ms;
  // `.123Z`, as JavaScript writes it.
  if (tail.length === 5 && tail.charAt(0) === '.' && tail.charAt(4) === 'Z') {
    const tens = twoDigits(tail, 1);
    const ones = tail.charCodeAt(3) - 0x30;
    return tens >= 0 && ones >= 0 && ones <= 9 ? ms + tens * 10 + ones : null;
  }
  const parts = TAIL.exec(tail);
  if (parts === null) return null;
  const [, fraction = '', sign, hours, minutes] = parts;
  const whole = ms + Number(fraction.slice(0, 3).padEnd(3, '0'));
  if (sign === undefined) return whole;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? whole + offset : whole - offset;
}

function hasSeparators(text: string): boolean {
  const between = text.charAt(10);
  return (
    text.charAt(4) === '-' &&
    text.charAt(7) === '-' &&
    (between === 'T' || between === 't' || between === ' ') &&
    text.charAt(13) === ':' &&
    text.charAt(16) === ':'
  );
}

/** The number of two digits; NaN for other text. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar, by counting years from March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}
