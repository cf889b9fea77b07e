/** Binary frames of the server: messages of one channel. See docs/protocols/channels-websocket.md. */
import type { MsgEntry } from '@weir/channel';

const ENTRIES = 2;
/** The kind and the channel number. */
const HEAD_BYTES = 5;
/** The lengths of a header and a payload. */
const LENGTHS_BYTES = 8;
/** Maximum size of a frame, unless one message is larger. */
const MAX_BYTES = 1024 * 1024;

/** A frame, and the start of the next one. */
export interface EntriesFrame {
  readonly frame: Buffer;
  /** The position of the first entry that is not in the frame. */
  readonly next: number;
}

/** Encodes entries from a position: as many as fit a frame, and at least one. */
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

/** Built by hand, because this runs for every message and reader. */
function headerOf(entry: MsgEntry): string {
  const { index, sequence, inReplyTo, timestamp, senderId, attempt, type, contentType, error } = entry;
  const reply = inReplyTo === undefined ? '' : `,"in_reply_to":${inReplyTo}`;
  const content = contentType === undefined ? '' : `,"content_type":${JSON.stringify(contentType)}`;
  const failure = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
  const sender = `"sender_id":${JSON.stringify(senderId)},"attempt":${attempt},"type":"${type}"`;
  return `{"index":${index},"sequence":${sequence}${reply},"timestamp":${timestamp},${sender}${content}${failure}}`;
}
