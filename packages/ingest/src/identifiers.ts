/** The ids of an event as clients send them, and texts that stand for "no id" in some clients. */
import { NO_IDS } from '@weir/base';
import { unmarkedNumber } from './exact-numbers.js';

const LONGEST = Math.max(...[...NO_IDS].map((text) => text.length));

/** Whether an id is one of {@link NO_IDS}, case-insensitively and ignoring surrounding white space. */
export function isNoId(id: string): boolean {
  // Each event has up to four ids, and nearly all end here.
  if (!FIRST.has(id.charCodeAt(0)) || !LAST.has(id.charCodeAt(id.length - 1))) return false;
  const text = id.trim();
  return text.length <= LONGEST && NO_IDS.has(text.toLowerCase());
}

/** The characters of {@link NO_IDS} at one position, in either case, with or without surrounding white space. */
class CharactersAt {
  readonly #ascii = new Uint8Array(0x80);

  /** @param place as in `String.at` */
  constructor(place: number) {
    this.#ascii.fill(1, 0, 0x21);
    for (const text of NO_IDS) {
      for (const c of [text.at(place) ?? '', (text.at(place) ?? '').toUpperCase()]) {
        if (c !== '') this.#ascii[c.charCodeAt(0)] = 1;
      }
    }
  }

  /** @param c a UTF-16 unit, NaN for none; any unit beyond ASCII may be white space */
  has(c: number): boolean {
    return this.#ascii[c] !== 0;
  }
}

const FIRST = new CharactersAt(0);
const LAST = new CharactersAt(-1);

/** The decimal text of an integer with all digits; null for any other value. */
export function integerText(value: unknown): string | null {
  const digits = unmarkedNumber(value);
  if (digits !== null && digits !== '-0' && /^-?\d+$/.test(digits)) return digits;
  const number = digits === null ? value : Number(digits);
  return typeof number === 'number' && Number.isSafeInteger(number) ? String(number) : null;
}
