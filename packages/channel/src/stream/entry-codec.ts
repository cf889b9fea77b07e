/**
 * An append as an entry of the log, little-endian:
 *
 * | at | field |
 * |---|---|
 * | 0 | version, 1 |
 * | 1 | time, unix milliseconds, u48 |
 * | 7 | messages, u32 |
 * | 11 | producer's epoch, f64 |
 * | 19 | producer's sequence, f64 |
 * | 27 | bytes of producer and `Stream-Seq`, u16 each |
 * | 31 | producer, `Stream-Seq`, payload |
 *
 * A missing producer or `Stream-Seq` is stored as an empty one. The payload of a JSON stream is its messages, separated
 * by commas.
 */
import type { Producer } from './producers.js';

const VERSION = 1;
const HEADER = 31;

/** One stored append. */
export interface StoredAppend {
  /** Unix milliseconds. */
  readonly at: number;
  readonly messages: number;
  readonly producer: Producer | null;
  /** Empty if there is none. */
  readonly seq: string;
  readonly payload: Uint8Array;
}

export function encodeEntry({ at, messages, producer, seq, payload }: StoredAppend): Buffer {
  const id = Buffer.from(producer?.id ?? '');
  const sequence = Buffer.from(seq);
  const entry = Buffer.allocUnsafe(HEADER + id.length + sequence.length + payload.byteLength);
  entry[0] = VERSION;
  entry.writeUIntLE(at, 1, 6);
  entry.writeUInt32LE(messages, 7);
  entry.writeDoubleLE(producer?.epoch ?? 0, 11);
  entry.writeDoubleLE(producer?.seq ?? 0, 19);
  entry.writeUInt16LE(id.length, 27);
  entry.writeUInt16LE(sequence.length, 29);
  entry.set(id, HEADER);
  entry.set(sequence, HEADER + id.length);
  entry.set(payload, HEADER + id.length + sequence.length);
  return entry;
}

/** Decodes an entry; the payload is a view of the entry. */
export function decodeEntry(data: Uint8Array): StoredAppend {
  const entry = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const idEnd = HEADER + entry.readUInt16LE(27);
  const seqEnd = idEnd + entry.readUInt16LE(29);
  const id = entry.toString('utf8', HEADER, idEnd);
  return {
    at: entry.readUIntLE(1, 6),
    messages: entry.readUInt32LE(7),
    producer: id === '' ? null : { id, epoch: entry.readDoubleLE(11), seq: entry.readDoubleLE(19) },
    seq: entry.toString('utf8', idEnd, seqEnd),
    payload: entry.subarray(seqEnd),
  };
}
