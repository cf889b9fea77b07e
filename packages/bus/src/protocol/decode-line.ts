import { plainIssue } from '@weir/base';
import type { JsonValue } from '@weir/event';
import { isJsonObject, MAX_EVENT_BYTES, rawEvent } from '@weir/event';
import type * as z from 'zod';
import { type EventMessage, MESSAGE_TYPES, type Message, messageShapes } from './message.js';
import { ProtocolError } from './protocol-error.js';

const EVENT = '{"type":"event",';
const PAYLOAD = ',"payload":';

/**
 * The message in a line. Members that this release does not know are left out.
 *
 * @throws ProtocolError
 */
export function decodeLine(line: string): Message {
  if (line.startsWith(EVENT)) return decodeEvent(line);
  const value = parse(line);
  const type = isJsonObject(value) ? value.type : undefined;
  if (type === 'event') {
    throw new ProtocolError(
      'invalid_message',
      `An event must begin with ${EVENT}. The line: ${excerpt(line)}`,
    );
  }
  if (typeof type !== 'string') {
    throw new ProtocolError('invalid_message', `A line must be an object with a type: ${excerpt(line)}`);
  }
  if (!MESSAGE_TYPES.some((known) => known === type)) {
    throw new ProtocolError(
      'unknown_type',
      `This release knows no message of type ${excerpt(JSON.stringify(type))}. Run the same release on both sides.`,
    );
  }
  return checked(messageShapes.plain, value, type);
}

// The payload's text is cut out as it stands, so that no digit of a large integer is lost. It begins at the first
// `,"payload":` of the line: inside a string every quote has a backslash before it, and rule 6 lets no object that may
// have such a member come earlier. All the rest up to the two closing braces is the payload, and is parsed as one value.
function decodeEvent(line: string): EventMessage {
  const at = line.indexOf(PAYLOAD);
  const end = line.trimEnd();
  if (at < 0 || !end.endsWith('}}')) throw misplaced(line);
  const text = end.slice(at + PAYLOAD.length, -2);
  if (text.length > MAX_EVENT_BYTES || Buffer.byteLength(text) > MAX_EVENT_BYTES) {
    throw new ProtocolError(
      'event_too_large',
      `A payload has more than the ${MAX_EVENT_BYTES} bytes that the bus carries. The line: ${excerpt(line)}`,
    );
  }
  const head = parsed(`${line.slice(0, at)}}}`);
  if (head === undefined) throw misplaced(line);
  const message = checked(messageShapes.event, head.value, 'event');
  try {
    return { ...message, event: rawEvent(message.event, text) };
  } catch {
    throw misplaced(line);
  }
}

// Why an event's line cannot be taken apart: it is not JSON at all, or is in another order.
function misplaced(line: string): ProtocolError {
  parse(line);
  return new ProtocolError(
    'invalid_message',
    `An event must end with its payload, written ${PAYLOAD}…}}. The line: ${excerpt(line)}`,
  );
}

function checked<S extends z.ZodType>(shape: S, value: unknown, type: string): z.infer<S> {
  const result = shape.safeParse(value, { error: plainIssue });
  if (result.success) return result.data;
  const wrong = result.error.issues.map((i) => `${i.path.join('.') || 'message'}: ${i.message}`).join('; ');
  throw new ProtocolError('invalid_message', `A message of type ${type} is not as it should be: ${wrong}.`);
}

function parse(line: string): JsonValue {
  const result = parsed(line);
  if (result === undefined) throw new ProtocolError('not_json', `A line is not JSON: ${excerpt(line)}`);
  return result.value;
}

function parsed(text: string): { readonly value: JsonValue } | undefined {
  try {
    // JSON.parse gives exactly the values of JsonValue.
    return { value: JSON.parse(text) as JsonValue };
  } catch {
    return undefined;
  }
}

const excerpt = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
