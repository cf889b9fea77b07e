import { decodeEvent as decode, isRefusal, type Refusal } from './decode.js';
import type { Event } from './event.js';

/** An event whose JSON is its wire form, which {@link decodeEvent} reads back as the same event. */
export interface DecodedEvent extends Event {
  toJSON(): object;
}

/**
 * Decodes an event from its parsed JSON.
 *
 * ```ts
 * const event = decodeEvent({ event: 'signup', timestamp: '2026-11-21T10:00:00Z' });
 * if (!isRefusal(event)) queue.add(JSON.stringify(event));
 * ```
 * @param raw as JSON.parse gave it
 * @returns the event, fields that are missing left for `validateBatch` to name, or why it cannot be read
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
      // Small integers would be taken for seconds.
      timestamp: timestamp === null ? null : new Date(timestamp).toISOString(),
      properties: rawJson(properties),
      extras: rawJson(extras),
    };
  }
}

/** JSON text as JSON.stringify writes it: with all its digits where this Node has `JSON.rawJSON` (22 has, 20 has not). */
function rawJson(text: string): unknown {
  // The cast holds: TypeScript's library does not know the function yet.
  const raw = Reflect.get(JSON, 'rawJSON') as ((source: string) => unknown) | undefined;
  // It takes primitive values alone, so digits are kept by reviving numbers from their source text.
  return raw === undefined ? JSON.parse(text) : JSON.parse(text, keepDigits(raw));
}

function keepDigits(raw: (source: string) => unknown) {
  return (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? raw(context.source) : value;
}
