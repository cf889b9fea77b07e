/** Events to send: JSON texts that are kept unchanged, so that every digit arrives. */
import { isUtf8 } from 'node:buffer';
import { NO_IDS } from '@weir/base';

/** Maximum size of an event on the server, in bytes. */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** Where an event came from, for reporting a rejection. */
export interface Origin {
  /** File name; null for standard input and single events. */
  readonly file: string | null;
  /** Starting at 1. */
  readonly line: number;
}

/** An event to send. */
export interface OutgoingEvent {
  readonly origin: Origin;
  /** One line of JSON. */
  readonly bytes: Buffer;
}

/** An event that is rejected before sending. */
export interface UnsendableEvent {
  readonly origin: Origin;
  readonly reason: string;
}

const BYTE_ORDER_MARK = '\ufeff';

/**
 * Converts an NDJSON line into an event. Adds an event_id if there is none; it is the same on every retry, so that the
 * server can deduplicate.
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
  // Avoid a copy: most events already have an id.
  if (hasId(event)) return { origin, bytes: json === text ? bytes : Buffer.from(json) };
  return { origin, bytes: Buffer.from(withMember(json, 'event_id', newId())) };
}

function hasId(event: object): boolean {
  const { event_id, eventId } = event as { event_id?: unknown; eventId?: unknown };
  const id = event_id ?? eventId ?? null;
  return id !== null && !(typeof id === 'string' && isNoId(id));
}

/** True if the server does not accept the text as an id: with such an event_id a retry would be stored twice. */
export function isNoId(id: string): boolean {
  return NO_IDS.has(id.trim().toLowerCase());
}

/** Appends a member to an object's JSON text, where it overrides a null member of the same name. */
function withMember(object: string, name: string, value: string): string {
  const end = object.lastIndexOf('}');
  const isEmpty = object.slice(0, end).trimEnd().endsWith('{');
  return `${object.slice(0, end)}${isEmpty ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}
