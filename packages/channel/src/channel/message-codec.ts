/**
 * A message as an entry of the log, little-endian:
 *
 * | at | field |
 * |---|---|
 * | 0 | version, 1 |
 * | 1 | type (bits 0–1), executor (2), submitter ended (3), executor ended (4) |
 * | 2 | timestamp, u48 |
 * | 8 | last sequence of the submitter, f64 |
 * | 16 | last sequence of the executor, f64 |
 * | 24 | attempt, u32 |
 * | 28 | in reply to, f64; 0 for none |
 * | 36 | bytes of credential, content type and error, u16 each |
 * | 42 | credential, content type, error, payload |
 *
 * The sequence of the message itself is the last sequence of its sender. A missing content type is stored as an empty
 * one.
 */
import type { Sender } from './caller.js';
import type { MessageType, MsgEntry, NewMessage } from './message.js';
import type { Senders } from './senders.js';

const VERSION = 1;
const HEADER = 42;
const TYPES: readonly MessageType[] = ['data', 'end', 'error'];
const EXECUTOR = 4;
const SUBMITTER_ENDED = 8;
const EXECUTOR_ENDED = 16;

/** @param senders the places of both sides after this message */
export function encodeMessage(
  message: NewMessage,
  sender: Sender,
  senders: Senders,
  timestamp: number,
): Buffer {
  const credential = Buffer.from(sender.credentialId);
  const contentType = Buffer.from(message.contentType ?? '');
  const error = Buffer.from(message.error ?? '');
  const { submitter, executor, attempt } = senders;
  const strings = credential.length + contentType.length + error.length;
  const entry = Buffer.allocUnsafe(HEADER + strings + message.payload.byteLength);
  entry[0] = VERSION;
  entry[1] =
    TYPES.indexOf(message.type ?? 'data') |
    (sender.role === 'executor' ? EXECUTOR : 0) |
    (submitter.ended ? SUBMITTER_ENDED : 0) |
    (executor.ended ? EXECUTOR_ENDED : 0);
  entry.writeUIntLE(timestamp, 2, 6);
  entry.writeDoubleLE(submitter.sequence, 8);
  entry.writeDoubleLE(executor.sequence, 16);
  entry.writeUInt32LE(attempt, 24);
  entry.writeDoubleLE(message.inReplyTo ?? 0, 28);
  entry.writeUInt16LE(credential.length, 36);
  entry.writeUInt16LE(contentType.length, 38);
  entry.writeUInt16LE(error.length, 40);
  entry.set(credential, HEADER);
  entry.set(contentType, HEADER + credential.length);
  entry.set(error, HEADER + credential.length + contentType.length);
  entry.set(message.payload, HEADER + strings);
  return entry;
}

/** Decodes an entry; the payload is a view of the entry. */
export function decodeMessage(index: number, data: Uint8Array): MsgEntry {
  const entry = bufferOf(data);
  const flags = entry.readUInt8(1);
  const { submitter, executor, attempt } = decodeSenders(entry);
  const inReplyTo = entry.readDoubleLE(28);
  const credentialEnd = HEADER + entry.readUInt16LE(36);
  const contentTypeEnd = credentialEnd + entry.readUInt16LE(38);
  const errorEnd = contentTypeEnd + entry.readUInt16LE(40);
  const credential = entry.toString('utf8', HEADER, credentialEnd);
  const type = TYPES[flags & 3] ?? 'data';
  const isExecutor = (flags & EXECUTOR) !== 0;
  return {
    index,
    sequence: isExecutor ? executor.sequence : submitter.sequence,
    ...(inReplyTo > 0 && { inReplyTo }),
    timestamp: decodeTimestamp(entry),
    senderId: `${isExecutor ? `executor#${attempt}` : 'submitter'}:${credential}`,
    attempt,
    type,
    payload: entry.subarray(errorEnd),
    ...(contentTypeEnd > credentialEnd && {
      contentType: entry.toString('utf8', credentialEnd, contentTypeEnd),
    }),
    ...(errorEnd > contentTypeEnd && { error: entry.toString('utf8', contentTypeEnd, errorEnd) }),
  };
}

/** Decodes the places of both sides after an entry. */
export function decodeSenders(data: Uint8Array): Senders {
  const entry = bufferOf(data);
  const flags = entry.readUInt8(1);
  return {
    submitter: { sequence: entry.readDoubleLE(8), ended: (flags & SUBMITTER_ENDED) !== 0 },
    executor: { sequence: entry.readDoubleLE(16), ended: (flags & EXECUTOR_ENDED) !== 0 },
    attempt: entry.readUInt32LE(24),
  };
}

/** Whether an entry is the message of this sender with this sequence. */
export function isMessage(data: Uint8Array, { role, attempt }: Sender, sequence: number): boolean {
  const isExecutor = ((data[1] ?? 0) & EXECUTOR) !== 0;
  if (isExecutor !== (role === 'executor')) return false;
  const senders = decodeSenders(data);
  if (isExecutor) return senders.attempt === attempt && senders.executor.sequence === sequence;
  return senders.submitter.sequence === sequence;
}

/** Whether a stored entry equals a message in every field that the sender chose. */
export function hasContent(data: Uint8Array, message: NewMessage): boolean {
  const stored = decodeMessage(0, data);
  return (
    stored.type === (message.type ?? 'data') &&
    stored.inReplyTo === message.inReplyTo &&
    (stored.contentType ?? '') === (message.contentType ?? '') &&
    (stored.error ?? '') === (message.error ?? '') &&
    bufferOf(stored.payload).equals(message.payload)
  );
}

/** When an entry was appended, in Unix milliseconds. */
export function decodeTimestamp(data: Uint8Array): number {
  return bufferOf(data).readUIntLE(2, 6);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
