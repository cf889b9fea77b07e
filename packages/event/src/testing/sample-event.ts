import type { JsonValue } from '../json.js';
import { type RawEvent, type RawEventFacts, rawEvent } from '../raw-event.js';

/**
 * An event with this payload. Defaults of the other members are `event-1`, `sample` and a fixed time.
 *
 * ```ts
 * key.match?.(sampleEvent({ total: 5 }, { event_type: 'order' }), params);
 * ```
 */
export function sampleEvent(payload: JsonValue, facts: Partial<RawEventFacts> = {}): RawEvent {
  const given = {
    event_id: 'event-1',
    event_type: 'sample',
    timestamp: '2026-01-01T00:00:00.000Z',
    ...facts,
  };
  return rawEvent(given, JSON.stringify(payload));
}
