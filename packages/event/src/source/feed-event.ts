import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { type RawEvent, type RawEventFacts, rawEvent } from '../raw-event.js';

/** Event types of feed streams whose documents have no type of their own. */
export const STREAM_TYPES: Readonly<Record<string, string>> = {
  usage: 'weir.usage',
  dead_letters: 'weir.ingest.dead_letter',
  processes: 'weir.process',
};

/**
 * Creates an event from the JSON text of a feed document and keeps all digits. The type is the event's name, or the
 * type of its stream.
 *
 * @param seenAt arrival time, RFC 3339.
 * @param stream of the feed; default `events`.
 * @throws SyntaxError if the text is not JSON.
 */
export function feedEvent(text: string, seenAt: string, stream = 'events'): RawEvent {
  return rawEvent((payload) => factsOf(isJsonObject(payload) ? payload : {}, seenAt, stream), text);
}

function factsOf(document: JsonObject, timestamp: string, stream: string): RawEventFacts {
  const madeAt = Date.parse(
    textOf(document.timestamp ?? document.time ?? document.at ?? document.created_at),
  );
  return {
    event_id: textOf(document.event_id ?? document.id),
    event_type: STREAM_TYPES[stream] ?? textOf(document.event),
    ...(Number.isNaN(madeAt) ? {} : { source_time: String(madeAt) }),
    timestamp,
  };
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');
