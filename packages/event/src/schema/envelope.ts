import type { JsonObject } from '../json.js';
import { payloadText, type RawEvent } from '../raw-event.js';

/** The value of `schema` in a V2 envelope. */
export const ENVELOPE_VERSION = '2.0';

/** Wraps an event's JSON Schema in that of the V2 envelope: `{schema, header, event}`. */
export function envelopeSchema(event: JsonObject): JsonObject {
  const { $defs, ...body } = event;
  const text = (description: string): JsonObject => ({ type: 'string', description });
  return {
    type: 'object',
    properties: {
      schema: { const: ENVELOPE_VERSION, description: 'Version of the envelope' },
      header: {
        type: 'object',
        description: 'Members that every event has',
        properties: {
          event_id: text('Id of the event'),
          event_type: text('Type of the event'),
          create_time: text('Creation time at the upstream: milliseconds since 1970'),
        },
        required: ['event_id', 'event_type'],
      },
      event: body,
    },
    required: ['schema', 'header', 'event'],
    ...($defs === undefined ? {} : { $defs }),
  };
}

/** Writes an event in its V2 envelope. The payload text is copied unchanged, so that large integers keep all digits. */
export function envelopeText(event: RawEvent): string {
  const header = JSON.stringify({
    event_id: event.event_id,
    event_type: event.event_type,
    create_time: event.source_time,
  });
  return `{"schema":"${ENVELOPE_VERSION}","header":${header},"event":${payloadText(event)}}`;
}
