/** What is kept of one stream beside its entries, written in the commit that changes it. */
export interface StreamRecord {
  /** Names the stream's rows; a stream removed and made again has another. */
  readonly id: number;
  /** Offset of the oldest entry kept; `last` + 1 when there is none. */
  readonly first: number;
  readonly last: number;
  /** Bytes the stream had taken, ever, before `first` and after `last`. */
  readonly start: number;
  readonly end: number;
  /** Whose share of the log it counts towards; empty for none. */
  readonly owner: string;
}

const LENGTH = 36;

export function encodeRecord(r: StreamRecord): Buffer {
  const value = Buffer.allocUnsafe(LENGTH + Buffer.byteLength(r.owner));
  value.writeUInt32LE(r.id, 0);
  value.writeDoubleLE(r.first, 4);
  value.writeDoubleLE(r.last, 12);
  value.writeDoubleLE(r.start, 20);
  value.writeDoubleLE(r.end, 28);
  value.write(r.owner, LENGTH);
  return value;
}

export function decodeRecord(value: Buffer): StreamRecord {
  return {
    id: value.readUInt32LE(0),
    first: value.readDoubleLE(4),
    last: value.readDoubleLE(12),
    start: value.readDoubleLE(20),
    end: value.readDoubleLE(28),
    // Records of earlier versions end here.
    owner: value.toString('utf8', LENGTH),
  };
}

/** What a stream and each of its entries take beside the bytes of the entries: an estimate for bounding the log. */
const STREAM_BYTES = 128;
const ENTRY_BYTES = 16;

/** Live bytes of a stream as {@link Log.size} counts them. */
export function liveBytes(r: StreamRecord | undefined): number {
  return r === undefined ? 0 : STREAM_BYTES + r.end - r.start + ENTRY_BYTES * (r.last - r.first + 1);
}

/** Live bytes that these entries will take in a stream that exists. */
export function costOf(entries: readonly Uint8Array[]): number {
  let bytes = ENTRY_BYTES * entries.length;
  for (const entry of entries) bytes += entry.byteLength;
  return bytes;
}
