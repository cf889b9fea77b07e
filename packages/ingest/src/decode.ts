/**
 * One event from its parsed JSON: strict on what is required, lenient on everything else. A field Weir does not know
 * is kept in `extras`, never a reason to refuse.
 */
import type { Event } from './event.js';
import { isMarkedNumber, NumberOutOfRange, unmarkNumbers } from './exact-numbers.js';
import { parseInstant } from './timestamp.js';

/** A refused event's reason, told from an Event by its one field. */
export interface Refusal {
  readonly reason: string;
}

/** Whether {@link decodeEvent} refused. */
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
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['eventId', 'event_id'],
  ['anonymousId', 'anonymous_id'],
  ['userId', 'user_id'],
  ['sessionId', 'session_id'],
]);

/**
 * Decodes one element of `events`.
 *
 * @param raw the element as JSON.parse (or `parseMarked`) gave it
 * @param marked true when numbers may stand under the mark of exact-numbers
 * @returns the event, fields that are missing left for `validateBatch` to name, or why it cannot be read
 */
export function decodeEvent(raw: unknown, marked = false): Event | Refusal {
  if (!isObject(raw)) return { reason: 'event must be an object' };
  const name = raw.event ?? '';
  if (typeof name !== 'string' || isMarkedNumber(name)) return { reason: 'event must be a string' };

  const timestamp = parseInstant(raw.timestamp);
  const event_id = identifier(raw, 'event_id', 'eventId');
  const anonymous_id = identifier(raw, 'anonymous_id', 'anonymousId');
  const user_id = identifier(raw, 'user_id', 'userId');
  const session_id = identifier(raw, 'session_id', 'sessionId');
  // A missing name is the first thing to say; other mistakes of the same event come after it.
  if (name !== '') {
    const wrong = [event_id, anonymous_id, user_id, session_id].find(
      (id) => id !== null && typeof id === 'object',
    );
    if (timestamp === 'invalid') return { reason: 'timestamp invalid' };
    if (typeof wrong === 'object' && wrong !== null) return wrong;
  }
  const properties = objectText(raw.properties, marked);
  if (typeof properties === 'object') return about('properties', properties);
  const extras = extrasText(raw, marked);
  if (typeof extras === 'object') return about('extras', extras);
  return {
    event: name,
    timestamp: typeof timestamp === 'number' ? timestamp : null,
    event_id: asId(event_id),
    anonymous_id: asId(anonymous_id),
    user_id: asId(user_id),
    session_id: asId(session_id),
    properties,
    extras,
  };
}

/** An id field under its name or, where that is absent, its alias. An empty string is no id. */
function identifier(raw: JsonObject, name: string, alias: string): string | null | Refusal {
  const value = Object.hasOwn(raw, name) ? raw[name] : Object.hasOwn(raw, alias) ? raw[alias] : null;
  if (value === null || value === '') return null;
  if (typeof value !== 'string' || isMarkedNumber(value))
    return { reason: `${name} must be a string or null` };
  return value;
}

function asId(decoded: string | null | Refusal): string | null {
  return typeof decoded === 'string' ? decoded : null;
}

function objectText(value: unknown, marked: boolean): string | Refusal {
  if (value === undefined || value === null || value === '') return '{}';
  if (!isObject(value)) return { reason: ' must be an object' };
  return jsonText(value, marked);
}

/** The explicit `extras` object, with every stray top-level key laid over it. */
function extrasText(raw: JsonObject, marked: boolean): string | Refusal {
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
  if (strays === undefined) return base === explicit ? jsonText(base, marked) : '{}';
  // fromEntries defines properties instead of assigning them: a key `__proto__` stays a key.
  return jsonText(Object.fromEntries([...Object.entries(base), ...strays]), marked);
}

/** Levels that `properties` and `extras` may have: ClickHouse's JSON functions read nothing of a document with more than 1,000. */
const MAX_DEPTH = 500;
const TOO_DEEP: Refusal = { reason: ` nested deeper than ${MAX_DEPTH}` };

function jsonText(value: object, marked: boolean): string | Refusal {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // Many thousand levels overflow the stack.
    if (error instanceof RangeError) return TOO_DEEP;
    throw error;
  }
  if (text.length > 2 * MAX_DEPTH && isDeeper(text, MAX_DEPTH)) return TOO_DEEP;
  if (!marked) return text;
  try {
    return unmarkNumbers(text);
  } catch (error) {
    if (error instanceof NumberOutOfRange) return { reason: `: ${error.message}` };
    throw error;
  }
}

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

/** Puts the name of a field before what is wrong with it. */
function about(field: string, { reason }: Refusal): Refusal {
  return { reason: field + reason };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
