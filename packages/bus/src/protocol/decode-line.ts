import { plainIssue } from '@weir/base';
import type { JsonValue } from '@weir/event';
import { isJsonObject, MAX_EVENT_BYTES, rawEvent } from '@weir/event';
import type * as z from 'zod';
import { type EventMessage, MESSAGE_TYPES, type Message, messageShapes } from './message.js';
import { ProtocolError } from './protocol-error.js';

const EVENT = '{"type":"event",';
const PAYLOAD = ',"payload":';

/**
 * Decodes one line. Unknown members are dropped, so that a newer peer may add members.
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

// Cut the payload out of the line as text, because JSON.parse would round large integers. The payload starts at the
// first `,"payload":`: inside a JSON string each quote has a backslash before it, and rule 6 of the protocol allows
// no object before the payload that could contain such a member. Everything up to the two closing braces is parsed as
// one value.
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

// Explains why the payload cannot be cut out: the line is not JSON, or its members are in another order.
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
  throw new ProtocolError('invalid_message', `A message of type ${type} is invalid: ${wrong}.`);
}

function parse(line: string): JsonValue {
  const result = parsed(line);
  if (result === undefined) throw new ProtocolError('not_json', `A line is not JSON: ${excerpt(line)}`);
  return result.value;
}

function parsed(text: string): { readonly value: JsonValue } | undefined {
  try {
    // JSON.parse returns exactly the type JsonValue.
    return { value: JSON.parse(text) as JsonValue };
  } catch {
    return undefined;
  }
}

const excerpt = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
