/** Metadata of a stream, written in the commit that changes it. */
export interface StreamRecord {
  /** Id of the stream's rows; a stream that is removed and recreated gets a new one. */
  readonly id: number;
  /** Offset of the oldest retained entry; `last` + 1 if there is none. */
  readonly first: number;
  readonly last: number;
  /** Total bytes ever appended before `first` (`start`) and up to `last` (`end`). */
  readonly start: number;
  readonly end: number;
  /** Owner whose quota the stream counts toward; empty for none. */
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

/** Estimated overhead of a stream and of an entry, for bounding the log. */
const STREAM_BYTES = 128;
const ENTRY_BYTES = 16;

/** Live bytes of a stream, as counted by {@link Log.size}. */
export function liveBytes(r: StreamRecord | undefined): number {
  return r === undefined ? 0 : STREAM_BYTES + r.end - r.start + ENTRY_BYTES * (r.last - r.first + 1);
}

/** Live bytes that these entries add to an existing stream. */
export function costOf(entries: readonly Uint8Array[]): number {
  let bytes = ENTRY_BYTES * entries.length;
  for (const entry of entries) bytes += entry.byteLength;
  return bytes;
}
