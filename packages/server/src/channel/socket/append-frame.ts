/**
 * Binary frames of clients, parsed by hand because thousands arrive a second. See docs/protocols/channels-websocket.md.
 */
import type { MessageType, NewMessage } from '@weir/channel';
import { Problem } from '../../http/problem.js';
import { MAX_BATCH } from '../batch-limit.js';

const APPEND = 1;
/** The kind and the channel number. */
const HEAD_BYTES = 5;
const LENGTH_BYTES = 4;
/** Maximum header, because it is parsed in one turn of the event loop. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Messages for one channel; stored whole or not at all. */
export interface AppendFrame {
  readonly ch: number;
  /** The sequence of the first message. */
  readonly sequence: number;
  /** At most the first 10,000 items. */
  readonly items: readonly AppendItem[];
  /** Whether the frame has more items, which were not parsed. */
  readonly isTooLarge: boolean;
  /** Size of the frame. */
  readonly bytes: number;
}

/** One unvalidated message: an object, and bytes. */
export interface AppendItem {
  readonly header: object;
  /** A view of the frame. */
  readonly payload: Uint8Array;
}

/** @throws Problem `invalid_frame` if the frame is so damaged that an answer could not refer to it */
export function readAppend(frame: Buffer): AppendFrame {
  if (frame[0] !== APPEND) throw invalidFrame(`the first byte is ${frame[0] ?? 'missing'}, not ${APPEND}`);
  if (frame.length < HEAD_BYTES) throw invalidFrame('it is cut short in its channel');
  const ch = frame.readUInt32BE(1);
  const items: AppendItem[] = [];
  let at = HEAD_BYTES;
  while (at < frame.length && items.length < MAX_BATCH) {
    const header = take(frame, at, ch, 'header');
    at += LENGTH_BYTES + header.length;
    const payload = take(frame, at, ch, 'payload');
    at += LENGTH_BYTES + payload.length;
    if (header.length > MAX_HEADER_BYTES) {
      throw invalidFrame(`channel ${ch}: a header has more than ${MAX_HEADER_BYTES} bytes`);
    }
    items.push({ header: objectIn(header, ch), payload });
  }
  const [first] = items;
  if (first === undefined) throw invalidFrame(`channel ${ch}: it has no message`);
  const sequence = 'sequence' in first.header ? first.header.sequence : undefined;
  if (typeof sequence !== 'number') throw invalidFrame(`channel ${ch}: the first message has no sequence`);
  return { ch, sequence, items, isTooLarge: at < frame.length, bytes: frame.length };
}

/** Converts an item to a message; the channel decides whether it can be stored. @throws Problem `invalid_message` */
export function messageOf({ header, payload }: AppendItem): NewMessage {
  let sequence: number | undefined;
  let type: MessageType | undefined;
  let contentType: string | undefined;
  let inReplyTo: number | undefined;
  let error: string | undefined;
  for (const [field, value] of Object.entries(header)) {
    if (field === 'sequence' && typeof value === 'number') sequence = value;
    else if (field === 'type' && (value === 'data' || value === 'end' || value === 'error')) type = value;
    else if (field === 'content_type' && typeof value === 'string') contentType = value;
    else if (field === 'in_reply_to' && typeof value === 'number') inReplyTo = value;
    else if (field === 'error' && typeof value === 'string') error = value;
    else throw invalidMessage(`${field}: cannot be ${JSON.stringify(value)}`.slice(0, 200));
  }
  if (sequence === undefined) throw invalidMessage('a message has no sequence');
  return { sequence, payload, type, contentType, inReplyTo, error };
}

function take(frame: Buffer, at: number, ch: number, what: string): Buffer {
  const begin = at + LENGTH_BYTES;
  if (begin > frame.length) throw invalidFrame(`channel ${ch}: it is cut short in the length of a ${what}`);
  const end = begin + frame.readUInt32BE(at);
  if (end > frame.length) throw invalidFrame(`channel ${ch}: it is cut short in a ${what}`);
  return frame.subarray(begin, end);
}

function objectIn(header: Buffer, ch: number): object {
  let value: unknown;
  try {
    value = JSON.parse(header.toString('utf8'));
  } catch {
    throw invalidFrame(`channel ${ch}: a header is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidFrame(`channel ${ch}: a header is not a JSON object`);
  return value;
}

function invalidFrame(detail: string): Problem {
  return new Problem('invalid_frame', `a binary frame cannot be read: ${detail}`, {
    hint: 'byte 1, channel (uint32), then items: length, JSON header, length, payload; numbers are big endian',
  });
}

function invalidMessage(detail: string): Problem {
  return new Problem('invalid_message', detail, {
    hint: 'a header has sequence, and may have type (data, end, error), content_type, in_reply_to, error',
  });
}
