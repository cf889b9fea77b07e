/** How a group, what is pending in it and what died in it stand in the store. */
import { idKey } from './keys.js';

/** One entry handed out and not yet acknowledged, or held back behind such a one. */
export interface Pending {
  /** How often it was handed out; 0 while it is held back. */
  readonly attempt: number;
  /** Unix milliseconds after which it may be handed out again; 0 while it is held back. */
  readonly deadline: number;
  /** What it is kept in order with; null for nothing. */
  readonly lane: string | null;
  /** Who has it, until the deadline; null for nobody. */
  readonly member: string | null;
  /** Its own copy of the entry, where the stream may have none any more. */
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
  // Rows of earlier versions end after the deadline: they were all handed out.
  const flags = value.length > ATTEMPT_AND_DEADLINE ? value.readUInt8(ATTEMPT_AND_DEADLINE) : HAS.member;
  const reader = { value, at: ATTEMPT_AND_DEADLINE + 1 };
  const lane = flags & HAS.lane ? readText(reader) : null;
  const member = flags & HAS.member ? readText(reader) : null;
  const data = flags & HAS.data ? value.subarray(reader.at) : null;
  return { attempt: value.readUInt32LE(0), deadline: value.readDoubleLE(4), lane, member, data };
}

/** One entry that was handed out too often, with its bytes: the stream will not keep it as long. */
export interface Dead {
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly diedAt: number;
  readonly lane: string | null;
  readonly data: Buffer;
}

/** Laid out as a pending row that has a copy: how often, when, of which lane, the bytes. */
export function encodeDead({ attempts, diedAt, lane, data }: Dead): Buffer {
  return encodePending({ attempt: attempts, deadline: diedAt, lane, member: null, data });
}

export function decodeDead(value: Buffer): Dead {
  const { attempt, deadline, lane, data } = decodePending(value);
  return { attempts: attempt, diedAt: deadline, lane, data: data ?? Buffer.alloc(0) };
}

/** The key of a group's own row: up to which offset it has handed out, under which number its pending rows are. */
export function groupKey(stream: number, name: string): Buffer {
  return idKey('g', stream, name);
}

/** What a group's own row says. */
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
  // An old row has no text where its flags say there is one.
  if (reader.at >= reader.value.length) return '';
  const start = reader.at + 2;
  const end = start + reader.value.readUInt16LE(reader.at);
  reader.at = end;
  return reader.value.toString('utf8', start, end);
}
