/** Words that programs write in place of JSON values, such as Python's `NaN` and JavaScript's `undefined`. */

const WORD = /-?[A-Za-z_]\w{0,20}/y;
const NO_VALUES = /^(?:-?(?:nan|infinity|inf)|undefined|none|nil|null|true|false)$/i;
const JSON_WORDS: ReadonlySet<string> = new Set(['null', 'true', 'false']);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

/** Maximum characters to search, because the search of a rejected body runs on the event loop. */
const MAX_LENGTH = 256 * 1024;

/** A word, and its offset in the text. */
export interface BareWord {
  readonly text: string;
  readonly at: number;
}

/** The first such word outside of strings; null if there is none. */
export function firstBareWord(json: string): BareWord | null {
  const end = Math.min(json.length, MAX_LENGTH);
  for (let at = 0; at < end; at += 1) {
    const c = json.charCodeAt(at);
    if (c === QUOTE) {
      for (at += 1; at < end && json.charCodeAt(at) !== QUOTE; at += 1) {
        if (json.charCodeAt(at) === BACKSLASH) at += 1;
      }
    } else if (c === MINUS || isLetter(c)) {
      WORD.lastIndex = at;
      const text = WORD.exec(json)?.[0] ?? '';
      if (NO_VALUES.test(text) && !JSON_WORDS.has(text)) return { text, at };
      at += Math.max(text.length - 1, 0);
    }
  }
  return null;
}

function isLetter(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
}
