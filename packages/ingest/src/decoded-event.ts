import { decodeEvent as decode, isRefusal, type Refusal } from './decode.js';
import type { Event } from './event.js';

/** An event whose JSON is its wire form, which {@link decodeEvent} decodes to the same event. */
export interface DecodedEvent extends Event {
  toJSON(): object;
}

/**
 * Decodes an event from its parsed JSON.
 *
 * ```ts
 * const event = decodeEvent({ event: 'signup', timestamp: '2026-11-21T10:00:00Z' }); if (!isRefusal(event))
 * queue.add(JSON.stringify(event));
 * ```
 * @param raw from JSON.parse
 * @returns the event, with missing fields left for `validateBatch` to report; or the reason of its rejection
 */
export function decodeEvent(raw: unknown): DecodedEvent | Refusal {
  const decoded = decode(raw);
  return isRefusal(decoded) ? decoded : new WireEvent(decoded);
}

class WireEvent implements DecodedEvent {
  readonly event: string;
  readonly timestamp: number | null;
  readonly event_id: string | null;
  readonly anonymous_id: string | null;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly properties: string;
  readonly extras: string;

  constructor(event: Event) {
    this.event = event.event;
    this.timestamp = event.timestamp;
    this.event_id = event.event_id;
    this.anonymous_id = event.anonymous_id;
    this.user_id = event.user_id;
    this.session_id = event.session_id;
    this.properties = event.properties;
    this.extras = event.extras;
  }

  toJSON(): object {
    const { timestamp, properties, extras } = this;
    return {
      ...this,
      // Small integers would be rejected as seconds.
      timestamp: timestamp === null ? null : new Date(timestamp).toISOString(),
      properties: rawJson(properties),
      extras: rawJson(extras),
    };
  }
}

/** A JSON text for JSON.stringify: with all its digits if this Node has `JSON.rawJSON` (22 has, 20 does not). */
function rawJson(text: string): unknown {
  // The cast holds: TypeScript's library does not declare the function yet.
  const raw = Reflect.get(JSON, 'rawJSON') as ((source: string) => unknown) | undefined;
  // rawJSON only accepts primitive values, so numbers are revived from their source text.
  return raw === undefined ? JSON.parse(text) : JSON.parse(text, keepDigits(raw));
}

function keepDigits(raw: (source: string) => unknown) {
  return (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? raw(context.source) : value;
}
