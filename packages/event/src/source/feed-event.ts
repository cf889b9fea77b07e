import { isJsonObject, type JsonValue } from '../json.js';
import { type RawEvent, type RawEventFacts, rawEvent } from '../raw-event.js';

/**
 * An event of the feed from its document's text, whose every digit it keeps. Its type is the event's name.
 *
 * @param seenAt when it came, RFC 3339.
 * @throws SyntaxError when the text is not JSON.
 */
export function feedEvent(text: string, seenAt: string): RawEvent {
  return rawEvent((payload) => factsOf(payload, seenAt), text);
}

function factsOf(payload: JsonValue, timestamp: string): RawEventFacts {
  const { event, event_id, timestamp: madeAt } = isJsonObject(payload) ? payload : {};
  const source_time = typeof madeAt === 'string' ? Date.parse(madeAt) : Number.NaN;
  return {
    event_id: typeof event_id === 'string' ? event_id : '',
    event_type: typeof event === 'string' ? event : '',
    ...(Number.isNaN(source_time) ? {} : { source_time: String(source_time) }),
    timestamp,
  };
}
