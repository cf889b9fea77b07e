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

/** Splits a batch into valid events and reasons. `index` is the position in `events`. */
export function validateBatch(events: readonly Event[]): ValidatedBatch {
  const valid: ValidEvent[] = [];
  const rejected: ValidationError[] = [];
  events.forEach((event, index) => {
    const reason = invalidReason(event);
    // The cast holds: a null timestamp has a reason.
    if (reason === null) valid.push(withObjects(event as ValidEvent));
    else rejected.push({ index, reason });
  });
  return { valid, rejected };
}

/** An event that was made by hand may leave its texts empty; stored, they are objects. */
function withObjects(event: ValidEvent): ValidEvent {
  if (event.properties !== '' && event.extras !== '') return event;
  return { ...event, properties: event.properties || '{}', extras: event.extras || '{}' };
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
