/** Converts bodies of appends to channel messages; they get their numbers when they are stored. */
import type { NewMessage } from '@weir/channel';
import { type AppendRequest, StreamError } from '@weir/channel/stream';
import { appendOf } from '../channel/message-input.js';
import { type JsonValue, jsonValuesOf } from './json-values.js';

/** The content type of every channel as a stream. */
export const CHANNEL_CONTENT_TYPE = 'application/json';

const MEMBERS = new Set(['payload', 'text', 'type', 'content_type', 'in_reply_to', 'error']);
const TYPES = new Set<unknown>(['data', 'end', 'error']);
const END: NewMessage = { sequence: 0, type: 'end', payload: new Uint8Array() };

/**
 * The messages of an append, followed by the sender's `end` if the append closes the stream.
 * @throws StreamError `invalid_message`, `content_type_mismatch`; Problem `invalid_request`
 */
export async function channelMessagesOf(
  { body, contentType, seq, close }: AppendRequest,
  projectId: string,
): Promise<NewMessage[]> {
  if (seq !== null) {
    throw new StreamError('invalid_message', 'a channel takes no Stream-Seq', {
      hint: 'number messages by Producer-Id, Producer-Epoch and Producer-Seq',
    });
  }
  if (body.byteLength === 0) {
    if (close) return [END];
    throw new StreamError('invalid_message', 'the body is empty', {
      hint: 'send a message, or Stream-Closed: true to end your side',
    });
  }
  if (contentType === null) {
    throw new StreamError('invalid_message', 'the request has no Content-Type', {
      hint: `send Content-Type: ${CHANNEL_CONTENT_TYPE}`,
    });
  }
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== CHANNEL_CONTENT_TYPE) {
    throw new StreamError('content_type_mismatch', `a channel takes ${CHANNEL_CONTENT_TYPE}`, {
      hint: 'send {"payload":<base64>,"content_type":…} for other content',
    });
  }
  const messages = (await jsonValuesOf(body, projectId)).flatMap(messagesOf);
  if (messages.length === 0) throw new StreamError('invalid_message', 'an empty array holds no message');
  return close && messages.at(-1)?.type !== 'end' ? [...messages, END] : messages;
}

/** A value is a message document, or any other JSON, which becomes the payload of a message. */
function messagesOf({ value, text }: JsonValue): readonly NewMessage[] {
  if (isMessage(value)) return appendOf({ ...value, sequence: 0 }).messages;
  return [{ sequence: 0, payload: Buffer.from(text), contentType: CHANNEL_CONTENT_TYPE }];
}

function isMessage(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (!Object.keys(value).every((name) => MEMBERS.has(name))) return false;
  const { payload, text, type } = value as { payload?: unknown; text?: unknown; type?: unknown };
  if (type !== undefined && !TYPES.has(type)) return false;
  return typeof payload === 'string' || typeof text === 'string' || type === 'end' || type === 'error';
}
