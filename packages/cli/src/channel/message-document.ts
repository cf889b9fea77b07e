import { isUtf8 } from 'node:buffer';
import { defined } from '@weir/base';
import type { Message } from '@weir/client';
import { z } from 'zod';
import { sanitizeLines } from '../output/sanitize.js';

/** A message in the server's JSON. */
export const messageDocument = z.looseObject({
  index: z.number(),
  sequence: z.number(),
  in_reply_to: z.number().optional(),
  timestamp: z.string(),
  sender_id: z.string(),
  attempt: z.number(),
  type: z.enum(['data', 'end', 'error']),
  content_type: z.string().optional(),
  error: z.string().optional(),
  /** Exactly one of `text` and `payload` is present. */
  text: z.string().optional(),
  payload: z.string().optional(),
});

/** One of {@link messageDocument}. */
export type MessageDocument = z.output<typeof messageDocument>;

/** Converts a message from a socket into the same form. */
export function documentOf(message: Message): MessageDocument {
  const { index, sequence, inReplyTo, timestamp, senderId, attempt, type, contentType, error, payload } =
    message;
  return {
    index,
    sequence,
    ...defined({ in_reply_to: inReplyTo }),
    timestamp: timestamp.toISOString(),
    sender_id: senderId,
    attempt,
    type,
    ...(isUtf8(payload) ? { text: message.text() } : { payload: Buffer.from(payload).toString('base64') }),
    ...defined({ content_type: contentType, error }),
  };
}

/** Formats a message for people; single-line content stays on the same line. */
export function messageText({ index, sender_id, type, error, text, payload }: MessageDocument): string {
  const from = sender_id.split(/[:#]/, 1)[0] ?? '';
  const content = text ?? `(${Buffer.byteLength(payload ?? '', 'base64')} bytes)`;
  const what = type === 'data' ? '' : type === 'end' ? '(end) ' : `(error: ${error ?? ''}) `;
  return `${String(index).padStart(5)}  ${from.padEnd(9)}  ${sanitizeLines(what + content)}`.trimEnd();
}

/** The content bytes of a message. */
export function bytesOf({ text, payload }: MessageDocument): Uint8Array {
  return text === undefined ? Buffer.from(payload ?? '', 'base64') : Buffer.from(text);
}
