/** Events on their way out: JSON texts that are kept as they were written, so that every digit arrives. */
import { isUtf8 } from 'node:buffer';
import { NO_IDS } from '@weir/base';

/** Largest event the server takes, in bytes. */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** Where an event came from, for saying which one was refused. */
export interface Origin {
  /** A file's name; null for standard input and single events. */
  readonly file: string | null;
  /** From 1. */
  readonly line: number;
}

/** An event to send. */
export interface OutgoingEvent {
  readonly origin: Origin;
  /** One line of JSON. */
  readonly bytes: Buffer;
}

/** An event that is not even sent. */
export interface UnsendableEvent {
  readonly origin: Origin;
  readonly reason: string;
}

const BYTE_ORDER_MARK = '\ufeff';

/**
 * A line of NDJSON as an event, with an event_id added where it has none: the same on every retry, so that a retry
 * is known as such.
 */
export function outgoingEvent(
  bytes: Buffer | null,
  origin: Origin,
  newId: () => string,
): OutgoingEvent | UnsendableEvent {
  if (bytes === null) return { origin, reason: `longer than ${MAX_EVENT_BYTES} bytes` };
  if (!isUtf8(bytes)) return { origin, reason: 'not UTF-8' };
  const text = bytes.toString('utf8');
  const json = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  let event: unknown;
  try {
    event = JSON.parse(json);
  } catch {
    return { origin, reason: 'not JSON' };
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return { origin, reason: 'not a JSON object' };
  }
  // Mere texts are not copied: most events of most files come with an id.
  if (hasId(event)) return { origin, bytes: json === text ? bytes : Buffer.from(json) };
  return { origin, bytes: Buffer.from(withMember(json, 'event_id', newId())) };
}

function hasId(event: object): boolean {
  const { event_id, eventId } = event as { event_id?: unknown; eventId?: unknown };
  const id = event_id ?? eventId ?? null;
  return id !== null && !(typeof id === 'string' && isNoId(id));
}

/** Whether the server takes a text for no id: with such an event_id a retry would be stored as a second event. */
export function isNoId(id: string): boolean {
  return NO_IDS.has(id.trim().toLowerCase());
}

/** Adds a member at the end of an object's text, where it also outdoes a null of the same name. */
function withMember(object: string, name: string, value: string): string {
  const end = object.lastIndexOf('}');
  const isEmpty = object.slice(0, end).trimEnd().endsWith('{');
  return `${object.slice(0, end)}${isEmpty ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}
