/**
 * Reads an ordinary event from the bytes of a body in one pass: it checks the JSON grammar, finds the fields, and uses
 * the text of `properties` unchanged, where `JSON.parse` and `JSON.stringify` would build and serialise an object.
 *
 * An event is ordinary if its texts in the body equal their stored form. All others (aliases of fields, unusual
 * escapes, exponents, long integers, duplicate names) are left to `JSON.parse` and `decodeEvent`.
 */
import { isAscii } from 'node:buffer';
import { ALIASES } from '../decode.js';
import type { Event } from '../event.js';
import { isNoId } from '../identifiers.js';
import { parseInstant } from '../timestamp.js';

const QUOTE = 0x22;
const MINUS = 0x2d;
const COMMA = 0x2c;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const PLUS = 0x2b;
const SLASH = 0x2f;
const UPPER_E = 0x45;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_P = 0x70;
const LETTER_T = 0x74;
const LETTER_U = 0x75;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Not JSON, or nested too deep for a recursive scan. */
const BAD = -1;
/** Digits before the decimal point that every double preserves. */
const EXACT_DIGITS = 15;
/** Length of `0.000001`, the smallest number that `JSON.stringify` writes without an exponent. */
const SIX_DECIMALS = 8;
/** Maximum bytes of a number that `JSON.parse` certainly reads as finite, and that no column rounds to infinity. */
const MAX_NUMBER_BYTES = 20;
const MAX_DEPTH = 100;
/** Maximum names of one object that are compared with each other, and of all open objects. */
const MAX_NAMES = 64;
const MAX_OPEN_NAMES = 512;
/** Maximum byte comparisons of names in one event, because a client can choose names with equal hashes. */
const MAX_COMPARISONS = 1_000;
/** Maximum members of an event that Weir does not know. */
const MAX_STRAYS = 32;
/** Not a field of an event. */
const STRAY = -1;
const OTHER_NAMES: ReadonlySet<string> = new Set([...ALIASES.keys(), 'extras']);

const FIELDS = ['event', 'timestamp', 'event_id', 'anonymous_id', 'user_id', 'session_id', 'properties'];
const FIELD_BYTES = FIELDS.map((name) => Buffer.from(name));
/** By the length of the name. Only `properties` is as long as another field. */
const FIELD_OF_LENGTH = FIELDS.slice(0, -1).reduce<number[]>((fields, { length }, field) => {
  fields[length] = field;
  return fields;
}, []);
const [EVENT, TIMESTAMP, EVENT_ID, ANONYMOUS_ID, USER_ID, SESSION_ID, PROPERTIES] = [0, 1, 2, 3, 4, 5, 6];

/** Bytes that end the plain part of a string: a quote, a backslash, and control characters. */
const ENDS_PLAIN = new Uint8Array(256);
ENDS_PLAIN.fill(1, 0, SPACE);
ENDS_PLAIN[QUOTE] = 1;
ENDS_PLAIN[BACKSLASH] = 1;

/** Escapes that `JSON.stringify` writes in the same way. */
const KEPT_ESCAPES = tableOf('"\\bfnrt');
const IS_HEX = tableOf('0123456789abcdefABCDEF');

function tableOf(bytes: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(bytes)) table[byte] = 1;
  return table;
}

// Scratch space of the current event. The scan of an event is synchronous, so all scans share it.
const starts = new Int32Array(FIELDS.length);
const ends = new Int32Array(FIELDS.length);
/** Names of the open objects: their offsets, and a cheap hash. */
const nameStarts = new Int32Array(MAX_OPEN_NAMES);
const nameEnds = new Int32Array(MAX_OPEN_NAMES);
const nameHashes = new Int32Array(MAX_OPEN_NAMES);
/** Values of the unknown members. */
const strayStarts = new Int32Array(MAX_STRAYS);
const strayEnds = new Int32Array(MAX_STRAYS);

/** Scans the events of one body, one after another. */
export class EventScan {
  readonly #body: Buffer;
  /** The body's text if it is ASCII: substrings are then cheap, without a call out of JavaScript. */
  readonly #ascii: string | null;
  #openNames = 0;
  /** Number of unknown members of the event. Their names are the first of the open ones. */
  #strays = 0;
  #isOrdinary = true;
  /** Number of byte comparisons of names. */
  #comparisons = 0;
  /** Whether a scanned value has white space between its tokens. */
  #hasSpace = false;
  #hasDelicateNumber = false;
  #end = 0;

  /** @param body UTF-8 */
  constructor(body: Buffer) {
    this.#body = body;
    this.#ascii = isAscii(body) ? body.toString('latin1') : null;
  }

  /** The first byte after the last scanned value. */
  get end(): number {
    return this.#end;
  }

  /** Whether `JSON.parse` would change the digits of a number in the last scanned event. */
  get hasDelicateNumber(): boolean {
    return this.#hasDelicateNumber;
  }

  /**
   * Scans the value at `start`.
   * @returns the event; null if the value is not an ordinary event; undefined if it is not JSON, or nested deeper than
   *   {@link MAX_DEPTH}, and {@link end} is unknown
   */
  event(start: number): Event | null | undefined {
    this.#openNames = 0;
    this.#strays = 0;
    this.#isOrdinary = true;
    this.#comparisons = 0;
    this.#hasSpace = false;
    this.#hasDelicateNumber = false;
    starts.fill(BAD);
    const end = this.#body[start] === OPEN_BRACE ? this.#fields(start) : this.#notAnEvent(start);
    if (end === BAD) return undefined;
    this.#end = end;
    return this.#isOrdinary ? this.#built() : null;
  }

  /**
   * Scans any JSON value at `start`.
   * @returns whether it is valid, and not nested too deep
   */
  value(start: number): boolean {
    this.#openNames = 0;
    this.#end = this.#value(start, 0);
    return this.#end !== BAD;
  }

  /** Records that the caller has skipped the text before `end`. */
  passed(end: number): void {
    this.#end = end;
  }

  /** Skips white space. */
  space(start: number): number {
    const body = this.#body;
    let at = start;
    let c = body[at];
    while (c === SPACE || c === 0x0a || c === 0x0d || c === 0x09) c = body[++at];
    return at;
  }

  #notAnEvent(start: number): number {
    this.#isOrdinary = false;
    return this.#value(start, 0);
  }

  /** Skips the members of an event and records the offsets of known ones. */
  #fields(start: number): number {
    const body = this.#body;
    let at = this.space(start + 1);
    if (body[at] === CLOSE_BRACE) {
      this.#isOrdinary = false;
      return at + 1;
    }
    for (;;) {
      if (body[at] !== QUOTE) return BAD;
      const nameStart = at + 1;
      at = this.#string(at);
      if (at === BAD) return BAD;
      const nameEnd = at - 1;
      const field = this.#fieldOf(nameStart, nameEnd);
      at = this.space(at);
      if (body[at] !== COLON) return BAD;
      at = this.space(at + 1);
      const valueStart = at;
      at = this.#value(at, 1);
      if (at === BAD) return BAD;
      if (field === STRAY) this.#stray(nameStart, nameEnd, valueStart, at);
      else if (starts[field] !== BAD) this.#isOrdinary = false;
      else {
        starts[field] = valueStart;
        ends[field] = at;
      }
      at = this.space(at);
      if (body[at] === CLOSE_BRACE) return at + 1;
      if (body[at] !== COMMA) return BAD;
      at = this.space(at + 1);
    }
  }

  /** Records an unknown member. */
  #stray(nameStart: number, nameEnd: number, start: number, end: number): void {
    const place = this.#strays;
    this.#name(0, nameStart, nameEnd);
    // The parser handles aliases of the fields, and `extras`.
    if (place === MAX_STRAYS || OTHER_NAMES.has(this.#slice(nameStart, nameEnd))) this.#isOrdinary = false;
    if (!this.#isOrdinary) return;
    strayStarts[place] = start;
    strayEnds[place] = end;
    this.#strays = place + 1;
  }

  /** The event of the recorded fields; null if one of them differs from its stored form. */
  #built(): Event | null {
    const event = this.#text(EVENT);
    const timestamp = this.#timestamp();
    const event_id = this.#id(EVENT_ID);
    const anonymous_id = this.#id(ANONYMOUS_ID);
    const user_id = this.#id(USER_ID);
    const session_id = this.#id(SESSION_ID);
    const properties = this.#properties();
    if (
      event === null ||
      timestamp === null ||
      event_id === undefined ||
      anonymous_id === undefined ||
      user_id === undefined ||
      session_id === undefined ||
      properties === null
    ) {
      return null;
    }
    return {
      event,
      timestamp,
      event_id,
      anonymous_id,
      user_id,
      session_id,
      properties,
      extras: this.#extras(),
    };
  }

  #timestamp(): number | null {
    const text = this.#text(TIMESTAMP);
    const instant = text === null ? null : parseInstant(text);
    return typeof instant === 'number' ? instant : null;
  }

  /** The text of a field; null if it is absent, empty, not a string, or has an escape. */
  #text(field: number): string | null {
    const start = starts[field] ?? BAD;
    const end = ends[field] ?? BAD;
    if (start === BAD || end - start <= 2 || this.#body[start] !== QUOTE) return null;
    const text = this.#slice(start + 1, end - 1);
    return text.includes('\\') ? null : text;
  }

  /** An id, null if it is absent; undefined if `decodeEvent` must check it. */
  #id(field: number): string | null | undefined {
    const start = starts[field] ?? BAD;
    if (start === BAD || this.#body[start] === LETTER_N) return null;
    const text = this.#text(field);
    return text === null || isNoId(text) ? undefined : text;
  }

  #properties(): string | null {
    const start = starts[PROPERTIES] ?? BAD;
    if (start === BAD) return '{}';
    if (this.#body[start] !== OPEN_BRACE) return null;
    const end = ends[PROPERTIES] ?? start;
    return this.#hasSpace ? this.#withoutSpace(start, end) : this.#slice(start, end);
  }

  #extras(): string {
    if (this.#strays === 0) return '{}';
    let text = '';
    for (let place = 0; place < this.#strays; place += 1) {
      const name = this.#slice((nameStarts[place] ?? 0) - 1, (nameEnds[place] ?? 0) + 1);
      const [start, end] = [strayStarts[place] ?? 0, strayEnds[place] ?? 0];
      const value = this.#hasSpace ? this.#withoutSpace(start, end) : this.#slice(start, end);
      text += `${text === '' ? '{' : ','}${name}:${value}`;
    }
    return `${text}}`;
  }

  /** A JSON text without the white space between its tokens. */
  #withoutSpace(start: number, end: number): string {
    const body = this.#body;
    const kept = Buffer.allocUnsafe(end - start);
    let length = 0;
    let isInString = false;
    for (let at = start; at < end; at += 1) {
      const c = body[at] ?? 0;
      if (c <= SPACE && !isInString) continue;
      kept[length++] = c;
      if (c === QUOTE) isInString = !isInString;
      else if (c === BACKSLASH) kept[length++] = body[++at] ?? 0;
    }
    return kept.toString('utf8', 0, length);
  }

  #slice(start: number, end: number): string {
    return this.#ascii?.substring(start, end) ?? this.#body.toString('utf8', start, end);
  }

  #fieldOf(start: number, end: number): number {
    const body = this.#body;
    const field = (body[start] === LETTER_P ? PROPERTIES : FIELD_OF_LENGTH[end - start]) ?? STRAY;
    const name = FIELD_BYTES[field];
    if (name === undefined || name.length !== end - start) return STRAY;
    for (let i = 0; i < name.length; i += 1) if (body[start + i] !== name[i]) return STRAY;
    return field;
  }

  #value(at: number, depth: number): number {
    switch (this.#body[at]) {
      case QUOTE:
        return this.#string(at);
      case OPEN_BRACE:
        return this.#object(at, depth + 1);
      case OPEN_BRACKET:
        return this.#array(at, depth + 1);
      case LETTER_T:
        return this.#word(at, TRUE);
      case LETTER_F:
        return this.#word(at, FALSE);
      case LETTER_N:
        return this.#word(at, NULL);
      default:
        return this.#number(at);
    }
  }

  #object(start: number, depth: number): number {
    if (depth > MAX_DEPTH) return BAD;
    const body = this.#body;
    const firstName = this.#openNames;
    let at = this.#innerSpace(start + 1);
    if (body[at] === CLOSE_BRACE) return at + 1;
    for (;;) {
      if (body[at] !== QUOTE) return BAD;
      const nameStart = at + 1;
      at = this.#string(at);
      if (at === BAD) return BAD;
      this.#name(firstName, nameStart, at - 1);
      at = this.#innerSpace(at);
      if (body[at] !== COLON) return BAD;
      at = this.#value(this.#innerSpace(at + 1), depth);
      if (at === BAD) return BAD;
      at = this.#innerSpace(at);
      if (body[at] === CLOSE_BRACE) break;
      if (body[at] !== COMMA) return BAD;
      at = this.#innerSpace(at + 1);
    }
    this.#openNames = firstName;
    return at + 1;
  }

  #array(start: number, depth: number): number {
    if (depth > MAX_DEPTH) return BAD;
    const body = this.#body;
    let at = this.#innerSpace(start + 1);
    if (body[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = this.#value(at, depth);
      if (at === BAD) return BAD;
      at = this.#innerSpace(at);
      if (body[at] === CLOSE_BRACKET) return at + 1;
      if (body[at] !== COMMA) return BAD;
      at = this.#innerSpace(at + 1);
    }
  }

  #innerSpace(start: number): number {
    const at = this.space(start);
    if (at !== start) this.#hasSpace = true;
    return at;
  }

  /**
   * Records a name of the object whose first name is at index `first`. Of two members with one name, `JSON.parse` keeps
   * the last and ClickHouse another one, so such an event is not ordinary.
   */
  #name(first: number, start: number, end: number): void {
    if (!this.#isOrdinary) return;
    const body = this.#body;
    const place = this.#openNames;
    if (place - first >= MAX_NAMES || place >= MAX_OPEN_NAMES) {
      this.#isOrdinary = false;
      return;
    }
    const length = end - start;
    const hash =
      (length << 24) ^
      ((body[start] ?? 0) << 16) ^
      ((body[start + (length >> 1)] ?? 0) << 8) ^
      (body[end - 1] ?? 0);
    for (let other = first; other < place; other += 1) {
      if (nameHashes[other] === hash && this.#mayBe(other, start, end)) this.#isOrdinary = false;
    }
    nameStarts[place] = start;
    nameEnds[place] = end;
    nameHashes[place] = hash;
    this.#openNames = place + 1;
  }

  /** Whether a name may equal a recorded one: they are equal, or the event has used up its comparisons. */
  #mayBe(place: number, start: number, end: number): boolean {
    this.#comparisons += 1;
    if (this.#comparisons > MAX_COMPARISONS) return true;
    const otherStart = nameStarts[place] ?? 0;
    const otherEnd = nameEnds[place] ?? 0;
    return this.#body.compare(this.#body, otherStart, otherEnd, start, end) === 0;
  }

  #string(start: number): number {
    const body = this.#body;
    let at = start + 1;
    for (;;) {
      let c = body[at] ?? 0;
      while (ENDS_PLAIN[c] === 0) c = body[++at] ?? 0;
      if (c === QUOTE) return at + 1;
      if (c !== BACKSLASH) return BAD;
      const escaped = body[at + 1] ?? 0;
      if (KEPT_ESCAPES[escaped] === 0) {
        this.#isOrdinary = false;
        if (escaped === LETTER_U) {
          if (!this.#areHex(at + 2)) return BAD;
          at += 4;
        } else if (escaped !== SLASH) return BAD;
      }
      at += 2;
    }
  }

  #areHex(start: number): boolean {
    for (let at = start; at < start + 4; at += 1) if (IS_HEX[this.#body[at] ?? 0] === 0) return false;
    return true;
  }

  #number(start: number): number {
    const body = this.#body;
    let at = start;
    if (body[at] === MINUS) at += 1;
    const first = at;
    let c = body[at] ?? 0;
    if (c === ZERO) c = body[++at] ?? 0;
    else if (c > ZERO && c <= NINE) {
      do c = body[++at] ?? 0;
      while (c >= ZERO && c <= NINE);
    } else return BAD;
    if (at - first > EXACT_DIGITS) this.#leave();
    if (c === POINT) {
      const fraction = at + 1;
      do c = body[++at] ?? 0;
      while (c >= ZERO && c <= NINE);
      if (at === fraction) return BAD;
      if (at - start > MAX_NUMBER_BYTES) this.#leave();
      // JSON.parse drops trailing zeros, and digits beyond those of a double. JSON.stringify writes 0.0000001 as 1e-7.
      const mayBeTiny = at - first > SIX_DECIMALS && body[first] === ZERO && body[first + 7] === ZERO;
      if (body[at - 1] === ZERO || at - first > EXACT_DIGITS || mayBeTiny) this.#hasDelicateNumber = true;
    } else if (first !== start && body[first] === ZERO) {
      // JSON.stringify drops the sign of negative zero.
      this.#leave();
    }
    return c === LETTER_E || c === UPPER_E ? this.#exponent(at) : at;
  }

  /** Leaves the event to the parser because of a number. */
  #leave(): void {
    this.#isOrdinary = false;
    this.#hasDelicateNumber = true;
  }

  #exponent(start: number): number {
    this.#leave();
    const body = this.#body;
    let at = start + 1;
    let c = body[at] ?? 0;
    if (c === MINUS || c === PLUS) c = body[++at] ?? 0;
    if (c < ZERO || c > NINE) return BAD;
    do c = body[++at] ?? 0;
    while (c >= ZERO && c <= NINE);
    return at;
  }

  #word(start: number, word: Uint8Array): number {
    for (let i = 1; i < word.length; i += 1) if (this.#body[start + i] !== word[i]) return BAD;
    return start + word.length;
  }
}
