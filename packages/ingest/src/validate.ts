/** The rules for accepting an event. Pure: no clock, no I/O. */
import { EVENT_LIMITS, type Event, type ValidationError } from './event.js';

/** A validated event: it has a name and a time. */
export interface ValidEvent extends Event {
  readonly timestamp: number;
}

/** The result of {@link validateBatch}: the valid events in order, and the others by index. */
export interface ValidatedBatch {
  readonly valid: readonly ValidEvent[];
  readonly rejected: readonly ValidationError[];
}

/** An event as a program creates it: unset fields are absent. */
export type PartialEvent = { readonly [Field in keyof Event]?: Event[Field] | undefined };

/**
 * Splits a batch into valid events and reasons. `index` is the position in `events`. Absent ids become null; absent or
 * empty
 * `properties` and `extras` become `{}`.
 */
export function validateBatch(events: readonly PartialEvent[]): ValidatedBatch {
  const valid: ValidEvent[] = [];
  const rejected: ValidationError[] = [];
  events.forEach((given, index) => {
    const event = wholeEvent(given);
    const reason = typeof event === 'string' ? event : invalidReason(event);
    // The cast holds: a string is a reason, and a null timestamp yields one too.
    if (reason === null) valid.push(event as ValidEvent);
    else rejected.push({ index, reason });
  });
  return { valid, rejected };
}

/** Completes the fields of an event, or returns why it is invalid: programs without types may pass any value. */
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
  // UTF-8 needs at most three bytes for a UTF-16 unit, so the length alone decides for most values.
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
