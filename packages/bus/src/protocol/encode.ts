import { MAX_EVENT_BYTES, payloadText } from '@weir/event';
import { MAX_LINE_BYTES } from './limits.js';
import type { EventMessage, Message, PlainMessage } from './message.js';
import { ProtocolError } from './protocol-error.js';

/**
 * Encodes a message as one line, line feed included.
 *
 * @throws ProtocolError `event_too_large` for a payload above 1 MiB, `line_too_long` for any other excess.
 */
export function encode(message: Message): string {
  return message.type === 'event' ? encodeEvent(message) : encodePlain(message);
}

/** The start of every event line; `seq` and the rest follow. */
export const EVENT_HEAD = '{"type":"event","seq":';

/**
 * Encodes the part of an event line after `seq`, line feed included. It is the same for every connection, so that the
 * bus encodes an event once and writes it to all consumers.
 *
 * @throws ProtocolError `event_too_large`, or `line_too_long` if anything but the payload is too long.
 */
export function encodeEventRest({ cursor, delivery, event }: Omit<EventMessage, 'type' | 'seq'>): string {
  // In JSON text, raw line feeds occur only between tokens, so a space can replace each without changing the value.
  const text = payloadText(event).replaceAll(/[\r\n]/g, ' ');
  const bytes = Buffer.byteLength(text);
  const { event_id, event_type, source_time, timestamp } = event;
  if (bytes > MAX_EVENT_BYTES) {
    const id = JSON.stringify(event_id).slice(0, 200);
    throw new ProtocolError(
      'event_too_large',
      `The payload of event ${id} has ${bytes} bytes, above the ${MAX_EVENT_BYTES} that the bus carries. Send it smaller.`,
    );
  }
  // Rules 5 and 6 of the protocol: `type` is first, `event` is last, and `payload` is last inside `event`.
  const facts = JSON.stringify({ cursor, delivery, event: { event_id, event_type, source_time, timestamp } });
  const rest = `,${facts.slice(1, -2)},"payload":${text}}}`;
  return withinLine(rest, 'event', EVENT_HEAD.length + LONGEST_SEQ.length);
}

const LONGEST_SEQ = String(Number.MAX_SAFE_INTEGER);

function encodeEvent(message: EventMessage): string {
  return `${EVENT_HEAD}${message.seq}${encodeEventRest(message)}`;
}

function encodePlain(message: PlainMessage): string {
  const { type, ...rest } = message;
  return withinLine(JSON.stringify({ type, ...rest }), type);
}

function withinLine(line: string, type: string, before = 0): string {
  const bytes = before + Buffer.byteLength(line);
  if (bytes > MAX_LINE_BYTES) {
    throw new ProtocolError(
      'line_too_long',
      `A ${type} message has ${bytes} bytes, above the ${MAX_LINE_BYTES} of a line. Send less in it.`,
    );
  }
  return `${line}\n`;
}
