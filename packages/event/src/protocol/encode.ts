import { payloadText } from '../raw-event.js';
import { MAX_EVENT_BYTES, MAX_LINE_BYTES } from './limits.js';
import type { EventMessage, Message, PlainMessage } from './message.js';
import { ProtocolError } from './protocol-error.js';

/**
 * A message as its line, line feed included.
 *
 * @throws ProtocolError `event_too_large` for a payload above 1 MiB, `line_too_long` for anything else too long.
 */
export function encode(message: Message): string {
  return message.type === 'event' ? encodeEvent(message) : encodePlain(message);
}

function encodeEvent(message: EventMessage): string {
  // Line feeds in JSON text stand between its tokens only, so that a space says the same.
  const text = payloadText(message.event).replaceAll(/[\r\n]/g, ' ');
  const bytes = Buffer.byteLength(text);
  const { event_id, event_type, source_time, timestamp } = message.event;
  if (bytes > MAX_EVENT_BYTES) {
    const event = JSON.stringify(event_id).slice(0, 200);
    throw new ProtocolError(
      'event_too_large',
      `The payload of event ${event} has ${bytes} bytes, above the ${MAX_EVENT_BYTES} that the bus carries. Send it smaller.`,
    );
  }
  const { seq, cursor, delivery } = message;
  // Rules 5 and 6 of the protocol: type first, event last, and in it the payload last.
  const head = JSON.stringify({
    type: 'event',
    seq,
    cursor,
    delivery,
    event: { event_id, event_type, source_time, timestamp },
  });
  return withinLine(`${head.slice(0, -2)},"payload":${text}}}`, 'event');
}

function encodePlain(message: PlainMessage): string {
  const { type, ...rest } = message;
  return withinLine(JSON.stringify({ type, ...rest }), type);
}

function withinLine(line: string, type: string): string {
  const bytes = Buffer.byteLength(line);
  if (bytes > MAX_LINE_BYTES) {
    throw new ProtocolError(
      'line_too_long',
      `A ${type} message has ${bytes} bytes, above the ${MAX_LINE_BYTES} of a line. Send less in it.`,
    );
  }
  return `${line}\n`;
}
