import { defined } from '@weir/base';
import type { JsonValue } from './json.js';

/** Maximum payload of an event, in bytes of JSON: 1 MiB. */
export const MAX_EVENT_BYTES = 1_048_576;

/** An event as received from a source. Hooks get it unchanged, and its members have the same names in JSON. */
export interface RawEvent {
  /** Unique id of the event. */
  readonly event_id: string;
  /** Type of the event, used for routing. */
  readonly event_type: string;
  /** Creation time at the upstream: milliseconds since 1970, as text. Absent if the upstream reports none. */
  readonly source_time?: string;
  /** The event's data. Integers beyond 2^53 are rounded here; {@link payloadText} keeps all digits. */
  readonly payload: JsonValue;
  /** Arrival time at the source by the local clock: RFC 3339. */
  readonly timestamp: string;
}

/** A {@link RawEvent} without its payload. */
export type RawEventFacts = Omit<RawEvent, 'payload'>;

// In a WeakMap, not in the event: a copy of the event with another payload must not keep the old text.
const texts = new WeakMap<RawEvent, string>();

/**
 * Creates an event from the JSON text of its payload, which {@link payloadText} returns unchanged.
 *
 * ```ts
 * const event = rawEvent({ event_id: '1', event_type: 'order', timestamp }, '{"n":12345678901234567890}');
 * payloadText(event); // '{"n":12345678901234567890}'
 * ```
 *
 * @param facts the other members, or a function that derives them from the parsed payload.
 * @throws SyntaxError if the text is not JSON.
 */
export function rawEvent(
  facts: RawEventFacts | ((payload: JsonValue) => RawEventFacts),
  text: string,
): RawEvent {
  // JSON.parse returns exactly the type JsonValue.
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

/** The JSON text of the payload: the original text for an event of {@link rawEvent}, otherwise newly encoded. */
export function payloadText(event: RawEvent): string {
  return texts.get(event) ?? JSON.stringify(event.payload);
}
