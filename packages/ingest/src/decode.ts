/**
 * Decodes one event from its parsed JSON: strict on required fields, lenient on all others. An unknown field is stored
 * in `extras` and never causes a rejection.
 */
import type { Event } from './event.js';
import { isMarkedNumber, type Unmarked, unmarkNumbers } from './exact-numbers.js';
import { integerText, isNoId } from './identifiers.js';
import {
  addLongIntegers,
  LongIntegerPaths,
  MAX_DEPTH,
  mayHoldLoneSurrogate,
  wellFormed,
} from './odd-values.js';
import { INSTANT_FORMS, parseInstant } from './timestamp.js';

/** The reason of a rejection, distinguished from an Event by its only field. */
export interface Refusal {
  readonly reason: string;
}

/** Whether {@link decodeEvent} rejected the event. */
export function isRefusal(decoded: Event | Refusal): decoded is Refusal {
  return 'reason' in decoded;
}

type JsonObject = { readonly [key: string]: unknown };

const FIELDS = new Set([
  'event',
  'timestamp',
  'event_id',
  'anonymous_id',
  'user_id',
  'session_id',
  'properties',
  'extras',
]);
/** Other names of fields. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['eventId', 'event_id'],
  ['anonymousId', 'anonymous_id'],
  ['userId', 'user_id'],
  ['sessionId', 'session_id'],
]);

/** Extras that record values which could not be stored as sent. */
const IGNORED_IDS = '$ignored_ids';
const LONG_INTEGERS = '$long_integers';

/** Called for each ignored id, see identifiers. */
export type OnIgnoredId = () => void;

/** Facts about the text from which events were parsed. */
export interface ParsedText {
  /** Whether numbers are marked, see exact-numbers. */
  readonly marked: boolean;
  /** Whether strings may contain lone surrogates. */
  readonly surrogates: boolean;
  readonly onIgnoredId?: OnIgnoredId;
}

const UNKNOWN_TEXT: ParsedText = { marked: false, surrogates: true };

/**
 * Decodes one element of `events`.
 *
 * @param raw the element from JSON.parse (or `parseMarked`)
 * @param text that contains it
 * @returns the event, with missing fields left for `validateBatch` to report; or the reason of its rejection
 */
export function decodeEvent(raw: unknown, text: ParsedText = UNKNOWN_TEXT): Event | Refusal {
  if (!isObject(raw)) return { reason: 'event must be an object' };
  const name = raw.event ?? '';
  if (typeof name !== 'string' || (text.marked && isMarkedNumber(name)))
    return { reason: 'event must be a string' };
  const timestamp = parseInstant(raw.timestamp);
  const event_id = identifier(raw, 'event_id', 'eventId', text.marked);
  const anonymous_id = identifier(raw, 'anonymous_id', 'anonymousId', text.marked);
  const user_id = identifier(raw, 'user_id', 'userId', text.marked);
  const session_id = identifier(raw, 'session_id', 'sessionId', text.marked);
  // A missing name is reported first; other errors of the same event follow.
  if (name !== '') {
    if (timestamp === 'invalid') return { reason: `timestamp invalid: send ${INSTANT_FORMS}` };
    if (timestamp === 'seconds')
      return { reason: 'timestamp looks like seconds; send milliseconds or RFC 3339' };
    const wrong = [event_id, anonymous_id, user_id, session_id].find(isWrong);
    if (wrong !== undefined) return wrong;
  }
  const notes: Notes = { ignoredIds: undefined, longIntegers: undefined };
  const eventId = asId('event_id', event_id, text, notes);
  const anonymousId = asId('anonymous_id', anonymous_id, text, notes);
  const userId = asId('user_id', user_id, text, notes);
  const sessionId = asId('session_id', session_id, text, notes);
  const properties = objectText(raw.properties, text, notes);
  if (typeof properties === 'object') return about('properties', properties);
  const extras = extrasText(raw, text, notes);
  if (typeof extras === 'object') return about('extras', extras);
  return {
    event: name,
    timestamp: typeof timestamp === 'number' ? timestamp : null,
    event_id: eventId,
    anonymous_id: anonymousId,
    user_id: userId,
    session_id: sessionId,
    properties,
    extras,
  };
}

/** Notes about the event for `extras`. */
interface Notes {
  ignoredIds: Record<string, string> | undefined;
  longIntegers: LongIntegerPaths | undefined;
}

/** An id field under its name or, if that is absent, its alias. */
function identifier(raw: JsonObject, name: string, alias: string, marked: boolean): string | null | Refusal {
  const value = Object.hasOwn(raw, name) ? raw[name] : Object.hasOwn(raw, alias) ? raw[alias] : null;
  if (value === null) return null;
  if (typeof value === 'string' && !(marked && isMarkedNumber(value))) return value;
  return integerText(value) ?? { reason: `${name} must be a string, an integer or null` };
}

/** The id; null if its text stands for "no id", which is noted. */
function asId(
  field: string,
  decoded: string | null | Refusal,
  text: ParsedText,
  notes: Notes,
): string | null {
  if (typeof decoded !== 'string') return null;
  if (!isNoId(decoded)) return decoded;
  notes.ignoredIds ??= {};
  notes.ignoredIds[field] = decoded;
  text.onIgnoredId?.();
  return null;
}

function isWrong(id: string | null | Refusal): id is Refusal {
  return id !== null && typeof id === 'object';
}

function objectText(value: unknown, text: ParsedText, notes: Notes): string | Refusal {
  if (value === undefined || value === null || value === '') return '{}';
  if (!isObject(value)) return { reason: ' must be an object' };
  return jsonText(value, 'properties', text, notes);
}

/** The explicit `extras` object, with stray top-level keys and notes merged over it. */
function extrasText(raw: JsonObject, text: ParsedText, notes: Notes): string | Refusal {
  let strays: [string, unknown][] | undefined;
  for (const key of Object.keys(raw)) {
    if (FIELDS.has(key)) continue;
    const name = ALIASES.get(key);
    if (name !== undefined && !Object.hasOwn(raw, name)) continue;
    strays ??= [];
    strays.push([key, raw[key]]);
  }
  const explicit = raw.extras;
  const base = isObject(explicit) ? explicit : {};
  if (explicit !== undefined && explicit !== null && !isObject(explicit)) {
    strays = [['extras', explicit], ...(strays ?? [])];
  }
  if (notes.ignoredIds !== undefined) strays = [...(strays ?? []), [IGNORED_IDS, notes.ignoredIds]];
  if (strays === undefined && base !== explicit && notes.longIntegers === undefined) return '{}';
  if (strays === undefined) return withPaths(base, text, notes);
  // fromEntries defines properties instead of assigning them: a key `__proto__` stays a key.
  return withPaths(Object.fromEntries([...Object.entries(base), ...strays]), text, notes);
}

/** The text of `extras`; lists the event's long integers if there are any. */
function withPaths(extras: object, text: ParsedText, notes: Notes): string | Refusal {
  const written = jsonText(extras, 'extras', text, notes);
  if (notes.longIntegers === undefined || typeof written !== 'string') return written;
  const entries = [...Object.entries(extras), [LONG_INTEGERS, [...notes.longIntegers.list]]];
  return jsonText(Object.fromEntries(entries), 'extras', text, notes);
}

function jsonText(value: object, path: string, text: ParsedText, notes: Notes): string | Refusal {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    // Many thousand levels overflow the stack.
    if (error instanceof RangeError) return TOO_DEEP;
    throw error;
  }
  if (json.length > 2 * MAX_DEPTH && isDeeper(json, MAX_DEPTH)) return TOO_DEEP;
  if (text.surrogates && mayHoldLoneSurrogate(json)) json = JSON.stringify(wellFormed(value));
  if (!text.marked) return json;
  let unmarked: Unmarked;
  try {
    unmarked = unmarkNumbers(json);
  } catch (error) {
    if (error instanceof RangeError) return { reason: `: ${error.message}` };
    throw error;
  }
  if (unmarked.long) {
    notes.longIntegers ??= new LongIntegerPaths();
    addLongIntegers(value, path, notes.longIntegers);
  }
  return unmarked.json;
}

const TOO_DEEP: Refusal = { reason: ` nested deeper than ${MAX_DEPTH}` };

/** Whether a JSON text has more levels of arrays and objects. */
function isDeeper(json: string, max: number): boolean {
  let depth = 0;
  for (let i = 0; i < json.length; i += 1) {
    const c = json.charCodeAt(i);
    if (c === 0x22) {
      for (i += 1; json.charCodeAt(i) !== 0x22; i += 1) if (json.charCodeAt(i) === 0x5c) i += 1;
    } else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      if (depth > max) return true;
    } else if (c === 0x7d || c === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

/** Prefixes a reason with the name of the field. */
function about(field: string, { reason }: Refusal): Refusal {
  return { reason: field + reason };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
