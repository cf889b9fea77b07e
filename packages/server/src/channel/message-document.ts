import { isUtf8 } from 'node:buffer';
import type { ChannelEnd, MsgEntry } from '@weir/channel';

/** How JSON shows payloads: as base64, or as text if they are valid UTF-8. */
export type PayloadForm = 'base64' | 'text';

/** The JSON document of a message. */
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

/** The JSON document of the end of a channel. */
export function endDocument({ reason, lastIndex }: ChannelEnd): object {
  return { reason, last_index: lastIndex };
}
