import type { NewMessage } from '@weir/channel';
import { z } from 'zod';
import { parseInput } from '../http/parse.js';
import { batchTooLarge, MAX_BATCH } from './batch-limit.js';

/** The default content type of a text payload. */
const TEXT_TYPE = 'text/plain; charset=utf-8';

const fields = z.strictObject({
  sequence: z.number().int().min(0),
  /** Base64. */
  payload: z.string().optional(),
  text: z.string().optional(),
  type: z.enum(['data', 'end', 'error']).default('data'),
  content_type: z.string().optional(),
  in_reply_to: z.number().int().optional(),
  error: z.string().optional(),
});
/** Read separately: see process/assignment.ts. */
const assignment = z.unknown().optional();
const one = fields.extend({ assignment }).transform(messageOf);
const batch = z.strictObject({ messages: z.array(fields.transform(messageOf)).min(1), assignment });

/** The append in a body. */
export interface Append {
  readonly messages: readonly NewMessage[];
  /** Whether the body was a batch; the answer then has the form of a batch too. */
  readonly isBatch: boolean;
}

/** Parses the body of an append: one message, or a batch. @throws Problem `invalid_request`, `message_too_large` */
export function appendOf(body: unknown): Append {
  if (typeof body === 'object' && body !== null && 'messages' in body) {
    if (Array.isArray(body.messages) && body.messages.length > MAX_BATCH) throw batchTooLarge();
    return { messages: parseInput(batch, body).messages, isBatch: true };
  }
  return { messages: [parseInput(one, body)], isBatch: false };
}

function messageOf(given: z.output<typeof fields>, check: z.RefinementCtx): NewMessage {
  const { sequence, payload, text, type, content_type, in_reply_to, error } = given;
  const isOne = (payload === undefined) !== (text === undefined);
  const isNone = payload === undefined && text === undefined;
  if (!isOne && (type === 'data' || !isNone))
    check.addIssue({ code: 'custom', message: 'give either payload (base64) or text' });
  const bytes = text === undefined ? bytesOf(payload ?? '') : Buffer.from(text);
  if (bytes === null) check.addIssue({ code: 'custom', path: ['payload'], message: 'is not base64' });
  return {
    sequence,
    payload: bytes ?? Buffer.alloc(0),
    type,
    contentType: content_type ?? (text === undefined ? undefined : TEXT_TYPE),
    inReplyTo: in_reply_to,
    error,
  };
}

/** Null if the text is not base64: `Buffer.from` would skip invalid characters silently. */
function bytesOf(base64: string): Buffer | null {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(base64, 'base64');
  return base64.length % 4 === 0 && bytes.length === (base64.length / 4) * 3 - padding ? bytes : null;
}
