/** The rows of a group, of its pending entries and of its dead entries. */
import { idKey } from './keys.js';

/** An entry that was delivered and not acknowledged, or is held back behind such an entry. */
export interface Pending {
  /** Number of deliveries; 0 while the entry is held back. */
  readonly attempt: number;
  /** Unix milliseconds after which the entry may be redelivered; 0 while it is held back. */
  readonly deadline: number;
  /** Lane that the entry is ordered in; null for none. */
  readonly lane: string | null;
  /** The member that holds the entry until the deadline; null for none. */
  readonly member: string | null;
  /** A copy of the entry, if the stream may have trimmed it. */
  readonly data: Buffer | null;
}

const ATTEMPT_AND_DEADLINE = 12;
const HAS = { lane: 1, member: 2, data: 4 } as const;

/** Layout, little-endian: attempt u32 | deadline f64 | flags u8 | lane? | member? (each u16 length, UTF-8) | data? */
export function encodePending({ attempt, deadline, lane, member, data }: Pending): Buffer {
  const lengths =
    (lane === null ? 0 : 2 + Buffer.byteLength(lane)) + (member === null ? 0 : 2 + Buffer.byteLength(member));
  const value = Buffer.allocUnsafe(ATTEMPT_AND_DEADLINE + 1 + lengths + (data?.byteLength ?? 0));
  value.writeUInt32LE(attempt, 0);
  value.writeDoubleLE(deadline, 4);
  value[ATTEMPT_AND_DEADLINE] =
    (lane === null ? 0 : HAS.lane) | (member === null ? 0 : HAS.member) | (data === null ? 0 : HAS.data);
  let at = writeText(value, lane, ATTEMPT_AND_DEADLINE + 1);
  at = writeText(value, member, at);
  if (data !== null) value.set(data, at);
  return value;
}

export function decodePending(value: Buffer): Pending {
  // Rows of earlier versions end after the deadline; all of them were delivered.
  const flags = value.length > ATTEMPT_AND_DEADLINE ? value.readUInt8(ATTEMPT_AND_DEADLINE) : HAS.member;
  const reader = { value, at: ATTEMPT_AND_DEADLINE + 1 };
  const lane = flags & HAS.lane ? readText(reader) : null;
  const member = flags & HAS.member ? readText(reader) : null;
  const data = flags & HAS.data ? value.subarray(reader.at) : null;
  return { attempt: value.readUInt32LE(0), deadline: value.readDoubleLE(4), lane, member, data };
}

/** An entry that exceeded its attempts, with its data, because the stream may trim it earlier. */
export interface Dead {
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly diedAt: number;
  readonly lane: string | null;
  readonly data: Buffer;
}

/** Same layout as a pending row with a copy: attempts, time of death, lane, data. */
export function encodeDead({ attempts, diedAt, lane, data }: Dead): Buffer {
  return encodePending({ attempt: attempts, deadline: diedAt, lane, member: null, data });
}

export function decodeDead(value: Buffer): Dead {
  const { attempt, deadline, lane, data } = decodePending(value);
  return { attempts: attempt, diedAt: deadline, lane, data: data ?? Buffer.alloc(0) };
}

/** Key of a group's own row, which stores its position and its number. */
export function groupKey(stream: number, name: string): Buffer {
  return idKey('g', stream, name);
}

/** Content of a group's own row. */
export interface GroupRecord {
  readonly group: number;
  readonly delivered: number;
}

export function encodeGroup(r: GroupRecord): Buffer {
  const value = Buffer.allocUnsafe(12);
  value.writeUInt32LE(r.group, 0);
  value.writeDoubleLE(r.delivered, 4);
  return value;
}

export function decodeGroup(value: Buffer): GroupRecord {
  return { group: value.readUInt32LE(0), delivered: value.readDoubleLE(4) };
}

function writeText(value: Buffer, text: string | null, at: number): number {
  if (text === null) return at;
  const length = value.write(text, at + 2);
  value.writeUInt16LE(length, at);
  return at + 2 + length;
}

function readText(reader: { readonly value: Buffer; at: number }): string {
  // A row of an earlier version has no text although its flags indicate one.
  if (reader.at >= reader.value.length) return '';
  const start = reader.at + 2;
  const end = start + reader.value.readUInt16LE(reader.at);
  reader.at = end;
  return reader.value.toString('utf8', start, end);
}
