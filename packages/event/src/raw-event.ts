import { defined } from '@weir/base';
import type { JsonValue } from './json.js';

/** Largest payload of an event, in bytes of JSON: 1 MiB. */
export const MAX_EVENT_BYTES = 1_048_576;

/** An event as a source observed it. It reaches every hook whole, and has the same names here and in JSON. */
export interface RawEvent {
  /** What makes it this event and no other. */
  readonly event_id: string;
  /** What it is routed by. */
  readonly event_type: string;
  /** When the upstream made it: milliseconds since 1970, as text. Absent when the upstream did not say. */
  readonly source_time?: string;
  /** What happened. Integers beyond 2^53 are rounded here; {@link payloadText} has every digit. */
  readonly payload: JsonValue;
  /** When the source saw it, by the local clock: RFC 3339. */
  readonly timestamp: string;
}

/** All of a {@link RawEvent} but its payload. */
export type RawEventFacts = Omit<RawEvent, 'payload'>;

// Beside the event and not in it: a copy with another payload must not keep the text of the old one.
const texts = new WeakMap<RawEvent, string>();

/**
 * Makes an event from its payload's JSON text, which {@link payloadText} gives back unchanged.
 *
 * ```ts
 * const event = rawEvent({ event_id: '1', event_type: 'order', timestamp }, '{"n":12345678901234567890}');
 * payloadText(event); // '{"n":12345678901234567890}'
 * ```
 *
 * @param facts as they are, or made from the payload once it is read.
 * @throws SyntaxError when the text is not JSON.
 */
export function rawEvent(
  facts: RawEventFacts | ((payload: JsonValue) => RawEventFacts),
  text: string,
): RawEvent {
  // JSON.parse gives exactly the values of JsonValue.
  const payload = JSON.parse(text) as JsonValue;
  const { event_id, event_type, source_time, timestamp } =
    typeof facts === 'function' ? facts(payload) : facts;
  const event: RawEvent = {
    event_id,
    event_type,
    ...defined({ source_time }),
    timestamp,
    payload,
  };
  texts.set(event, text);
  return event;
}

/** The payload's JSON: as it came for an event of {@link rawEvent}, written anew for one made by hand. */
export function payloadText(event: RawEvent): string {
  return texts.get(event) ?? JSON.stringify(event.payload);
}
