import { isUtf8 } from 'node:buffer';
import type { ChannelEnd, MsgEntry } from '@weir/channel';

/** How payloads stand in JSON: as base64, or as text where they are valid UTF-8. */
export type PayloadForm = 'base64' | 'text';

/** A message as JSON shows it. */
export function messageDocument(entry: MsgEntry, form: PayloadForm): object {
  const { index, sequence, inReplyTo, timestamp, senderId, attempt, type, contentType, error } = entry;
  const payload = Buffer.from(entry.payload.buffer, entry.payload.byteOffset, entry.payload.byteLength);
  return {
    index,
    sequence,
    in_reply_to: inReplyTo,
    timestamp: new Date(timestamp).toISOString(),
    sender_id: senderId,
    attempt,
    type,
    ...(form === 'text' && isUtf8(payload)
      ? { text: payload.toString('utf8') }
      : { payload: payload.toString('base64') }),
    content_type: contentType,
    error,
  };
}

/** How a channel ended, as JSON shows it. */
export function endDocument({ reason, lastIndex }: ChannelEnd): object {
  return { reason, last_index: lastIndex };
}
