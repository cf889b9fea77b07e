/**
 * Instants as clients write them: RFC 3339 with a zone, or integer epoch milliseconds.
 */

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** The zero time of languages that have one, `0001-01-01T00:00:00Z`: it means "not set". */
const ZERO_TIME = Date.parse('0001-01-01T00:00:00Z');

/**
 * Epoch milliseconds of an RFC 3339 text with a zone, digits below the millisecond cut; null where it is not one
 * (no zone, date only, a day that does not exist).
 */
export function parseRfc3339(text: string): number | null {
  const m = RFC_3339.exec(text);
  if (m === null) return null;
  const [year, month, day, hour, minute, second] = [m[1], m[2], m[3], m[4], m[5], m[6]].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetHour = Number(m[9] ?? 0);
  const offsetMinute = Number(m[10] ?? 0);
  // A second of 60 is a leap second (RFC 3339 section 5.6): it becomes the first of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  date.setUTCHours(hour, minute, second, Number((m[7] ?? '').slice(0, 3).padEnd(3, '0')));
  const offset = (offsetHour * 60 + offsetMinute) * 60_000;
  return date.getTime() - (m[8] === '-' ? -offset : offset);
}

/** What a `timestamp` or `sent_at` holds: an instant, nothing, or something that is not an instant. */
export type ParsedInstant = number | 'missing' | 'invalid';

/** Reads a JSON value as an instant. Fractions are refused here; exponents never reach it (see exact-numbers). */
export function parseInstant(value: unknown): ParsedInstant {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : 'invalid';
  if (typeof value !== 'string') return 'invalid';
  const ms = parseRfc3339(value);
  if (ms === null) return 'invalid';
  return ms === ZERO_TIME ? 'missing' : ms;
}
