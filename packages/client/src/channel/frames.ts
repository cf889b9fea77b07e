/** The binary frames of channels over a WebSocket. See docs/protocols/channels-websocket.md. */
import { Message, type MessageHeader } from './message.js';

const APPEND = 1;
const ENTRIES = 2;
/** Bytes of the kind and of the channel's number. */
const HEAD_BYTES = 5;
const LENGTH_BYTES = 4;

/** The header of a message to append. */
export interface AppendHeader {
  readonly sequence: number;
  readonly type?: string | undefined;
  readonly content_type?: string | undefined;
  readonly in_reply_to?: number | undefined;
  readonly error?: string | undefined;
}

/** The frame that appends a message. */
export function appendFrame(ch: number, header: AppendHeader, payload: Uint8Array): Uint8Array {
  const head = Buffer.from(JSON.stringify(header));
  const frame = Buffer.allocUnsafe(HEAD_BYTES + 2 * LENGTH_BYTES + head.length + payload.length);
  frame[0] = APPEND;
  frame.writeUInt32BE(ch, 1);
  frame.writeUInt32BE(head.length, HEAD_BYTES);
  head.copy(frame, HEAD_BYTES + LENGTH_BYTES);
  const at = HEAD_BYTES + LENGTH_BYTES + head.length;
  frame.writeUInt32BE(payload.length, at);
  frame.set(payload, at + LENGTH_BYTES);
  return frame;
}

/** Messages of one channel that came in one frame. */
export interface EntriesFrame {
  readonly ch: number;
  readonly messages: readonly Message[];
  /** Size of the frame, which counts against the credit. */
  readonly bytes: number;
}

/** Reads a frame of the server; null for an unknown kind. @throws RangeError for a frame that is cut short */
export function readEntries(frame: Buffer): EntriesFrame | null {
  if (frame[0] !== ENTRIES) return null;
  const messages: Message[] = [];
  let at = HEAD_BYTES;
  while (at < frame.length) {
    const header = take(frame, at);
    const payload = take(frame, at + LENGTH_BYTES + header.length);
    // The cast holds by the protocol: the server alone makes these.
    messages.push(new Message(JSON.parse(header.toString()) as MessageHeader, payload));
    at += 2 * LENGTH_BYTES + header.length + payload.length;
  }
  return { ch: frame.readUInt32BE(1), messages, bytes: frame.length };
}

/** The bytes behind the length at a place. */
function take(frame: Buffer, at: number): Buffer {
  const length = frame.readUInt32BE(at);
  const end = at + LENGTH_BYTES + length;
  if (end > frame.length) throw new RangeError('an entries frame is cut short');
  return frame.subarray(at + LENGTH_BYTES, end);
}
