/** The rules an event must keep to be accepted. Pure: no clock, no I/O. */
import { EVENT_LIMITS, type Event, type ValidationError } from './event.js';

/** An event that passed every rule: it has a name and a time. */
export interface ValidEvent extends Event {
  readonly timestamp: number;
}

/** What {@link validateBatch} found: the events to keep, in order, and the others by index. */
export interface ValidatedBatch {
  readonly valid: readonly ValidEvent[];
  readonly rejected: readonly ValidationError[];
}

/** An event as a program makes one: what it does not say is absent. */
export type PartialEvent = { readonly [Field in keyof Event]?: Event[Field] | undefined };

/**
 * Splits a batch into valid events and reasons. `index` is the position in `events`. Ids that are absent become null, and
 * `properties` and `extras` that are absent or empty become `{}`.
 */
export function validateBatch(events: readonly PartialEvent[]): ValidatedBatch {
  const valid: ValidEvent[] = [];
  const rejected: ValidationError[] = [];
  events.forEach((given, index) => {
    const event = wholeEvent(given);
    const reason = typeof event === 'string' ? event : invalidReason(event);
    // The cast holds: a text is a reason, and so has a null timestamp.
    if (reason === null) valid.push(event as ValidEvent);
    else rejected.push({ index, reason });
  });
  return { valid, rejected };
}

/** The event with every field, or why it is none: programs without types may hand anything over. */
function wholeEvent(given: PartialEvent): Event | string {
  if (typeof given !== 'object' || given === null) return 'event must be an object';
  const { event = '', timestamp = null } = given;
  const wrong = TEXTS.find((field) => typeof (given[field] ?? '') !== 'string');
  if (wrong !== undefined) return wrongText(wrong);
  if (timestamp !== null && !Number.isSafeInteger(timestamp))
    return 'timestamp invalid: give epoch milliseconds';
  return {
    event: event ?? '',
    timestamp,
    event_id: given.event_id ?? null,
    anonymous_id: given.anonymous_id ?? null,
    user_id: given.user_id ?? null,
    session_id: given.session_id ?? null,
    properties: given.properties || '{}',
    extras: given.extras || '{}',
  };
}

const TEXTS = ['event', 'event_id', 'anonymous_id', 'user_id', 'session_id', 'properties', 'extras'] as const;

function wrongText(field: (typeof TEXTS)[number]): string {
  return field === 'properties' || field === 'extras'
    ? `${field} must be the JSON text of an object`
    : `${field} must be a string`;
}

/** Why an event is invalid, or null. */
export function invalidReason(event: Event): string | null {
  if (event.event === '') return 'event required';
  if (event.timestamp === null) return 'timestamp required';
  if (event.timestamp < EVENT_LIMITS.minTimestamp || event.timestamp >= EVENT_LIMITS.endTimestamp) {
    return 'timestamp out of range: from 1970 to 2199';
  }
  if (event.event.startsWith(EVENT_LIMITS.reservedPrefix)) {
    return `event reserved: names starting with "${EVENT_LIMITS.reservedPrefix}" are Weir's own`;
  }
  return (
    textReason('event', event.event, EVENT_LIMITS.nameBytes) ??
    textReason('event_id', event.event_id, EVENT_LIMITS.idBytes) ??
    textReason('anonymous_id', event.anonymous_id, EVENT_LIMITS.idBytes) ??
    textReason('user_id', event.user_id, EVENT_LIMITS.idBytes) ??
    textReason('session_id', event.session_id, EVENT_LIMITS.idBytes) ??
    sizeReason(event)
  );
}

function textReason(field: string, value: string | null, maxBytes: number): string | null {
  if (value === null) return null;
  // UTF-8 needs at most three bytes a UTF-16 unit, so most values are measured by their length alone.
  if (value.length * 3 > maxBytes && Buffer.byteLength(value) > maxBytes) {
    return `${field} longer than ${maxBytes} bytes`;
  }
  // A lone surrogate has no UTF-8 form: storing a replacement would merge two different ids.
  if (!value.isWellFormed()) return `${field} is not valid Unicode`;
  return null;
}

function sizeReason(event: Event): string | null {
  const units = event.properties.length + event.extras.length;
  if (units * 3 + 8192 <= EVENT_LIMITS.eventBytes) return null;
  const bytes =
    Buffer.byteLength(event.properties) +
    Buffer.byteLength(event.extras) +
    [event.event, event.event_id, event.anonymous_id, event.user_id, event.session_id].reduce(
      (sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)),
      0,
    );
  return bytes > EVENT_LIMITS.eventBytes ? 'event larger than 1 MiB' : null;
}
