/** Binary frames of the server: messages of one channel, made at once. See docs/protocols/channels-websocket.md. */
import type { MsgEntry } from '@weir/channel';

const ENTRIES = 2;
/** Kind and channel. */
const HEAD_BYTES = 5;
/** Of a header's length and a payload's. */
const LENGTHS_BYTES = 8;
/** A frame is no longer, unless one message is. */
const MAX_BYTES = 1024 * 1024;

/** A frame, and where the next begins. */
export interface EntriesFrame {
  readonly frame: Buffer;
  /** Of the first entry that is not in it. */
  readonly next: number;
}

/** The entries from a place on, as many as fit a frame and one at least. */
export function entriesFrame(ch: number, entries: readonly MsgEntry[], from: number): EntriesFrame {
  const headers: { readonly text: string; readonly bytes: number }[] = [];
  let size = HEAD_BYTES;
  let next = from;
  for (let entry = entries[next]; entry !== undefined; entry = entries[next]) {
    const text = headerOf(entry);
    const bytes = Buffer.byteLength(text);
    const grown = size + LENGTHS_BYTES + bytes + entry.payload.byteLength;
    if (next > from && grown > MAX_BYTES) break;
    size = grown;
    headers.push({ text, bytes });
    next += 1;
  }
  const frame = Buffer.allocUnsafe(size);
  frame[0] = ENTRIES;
  frame.writeUInt32BE(ch, 1);
  let at = HEAD_BYTES;
  for (const [i, { text, bytes }] of headers.entries()) {
    at = frame.writeUInt32BE(bytes, at);
    at += frame.write(text, at);
    const payload = entries[from + i]?.payload ?? new Uint8Array();
    at = frame.writeUInt32BE(payload.byteLength, at);
    frame.set(payload, at);
    at += payload.byteLength;
  }
  return { frame, next };
}

/** Put together by hand: it is done for every message and reader. */
function headerOf(entry: MsgEntry): string {
  const { index, sequence, inReplyTo, timestamp, senderId, attempt, type, contentType, error } = entry;
  const reply = inReplyTo === undefined ? '' : `,"in_reply_to":${inReplyTo}`;
  const content = contentType === undefined ? '' : `,"content_type":${JSON.stringify(contentType)}`;
  const failure = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
  const sender = `"sender_id":${JSON.stringify(senderId)},"attempt":${attempt},"type":"${type}"`;
  return `{"index":${index},"sequence":${sequence}${reply},"timestamp":${timestamp},${sender}${content}${failure}}`;
}
