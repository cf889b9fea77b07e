/**
 * The key space of a stored log: one letter for the table, then big-endian numbers, so that byte order is the order
 * of streams and offsets.
 *
 * | key | value |
 * |---|---|
 * | `l` name | a fact about the log itself (`epoch`, `id`, `next`: a number no stream or group had yet) |
 * | `s` stream name | {@link StreamRecord} of a stream that exists |
 * | `d` stream name | last offset of a stream that was removed, and not forgotten |
 * | `x` id | a removed stream whose rows are still being deleted |
 * | `e` id offset | a block of entries, by the offset of its first |
 * | `c` id reader | a cursor |
 * | `g` id name | a group |
 * | `p` id group offset | an entry pending in a group |
 * | `f` id group offset | an entry that died in a group |
 * | `y` id group | a removed group whose rows are still being deleted |
 */
import type { KeyRange } from './store.js';

export type Table = 'l' | 's' | 'd' | 'x' | 'e' | 'c' | 'g' | 'p' | 'f' | 'y';

/** The tables whose rows belong to one stream id, deleted with it. */
export const STREAM_TABLES: readonly Table[] = ['e', 'c', 'g', 'p', 'f', 'y'];

/** A key of a table that is ordered by name. */
export function nameKey(table: 'l' | 's' | 'd', name: string): Buffer {
  return Buffer.from(table + name, 'utf8');
}

/** The name in a {@link nameKey}. */
export function nameIn(key: Buffer): string {
  return key.toString('utf8', 1);
}

/** A key that starts with a stream's id. */
export function idKey(table: Table, id: number, rest = ''): Buffer {
  const key = Buffer.allocUnsafe(5 + Buffer.byteLength(rest));
  key[0] = table.charCodeAt(0);
  key.writeUInt32BE(id, 1);
  key.write(rest, 5);
  return key;
}

/** The stream id in a key made by {@link idKey}. */
export function idIn(key: Buffer): number {
  return key.readUInt32BE(1);
}

/** The key of the block whose first entry has this offset. */
export function blockKey(id: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(11);
  key[0] = 0x65;
  key.writeUInt32BE(id, 1);
  key.writeUIntBE(offset, 5, 6);
  return key;
}

/** The first offset in a {@link blockKey}. */
export function offsetInBlockKey(key: Buffer): number {
  return key.readUIntBE(5, 6);
}

/** The key of an entry in a group: pending (`p`) or dead (`f`). */
export function entryKey(table: 'p' | 'f', id: number, group: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(15);
  key[0] = table.charCodeAt(0);
  key.writeUInt32BE(id, 1);
  key.writeUInt32BE(group, 5);
  key.writeUIntBE(offset, 9, 6);
  return key;
}

/** The keys of all entries of one kind in a group. */
export function entryKeys(table: 'p' | 'f', id: number, group: number): KeyRange {
  const from = entryKey(table, id, group, 0);
  return { from, to: after(from.subarray(0, 9)) };
}

/** The offset in an {@link entryKey}. */
export function offsetInEntryKey(key: Buffer): number {
  return key.readUIntBE(9, 6);
}

/** Identifies a group in keys: the stream's id and a number that is never reused. */
export interface GroupNumber {
  readonly stream: number;
  readonly group: number;
}

/** The key that marks a group as removed. */
export function removedGroupKey({ stream, group }: GroupNumber): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = 0x79;
  key.writeUInt32BE(stream, 1);
  key.writeUInt32BE(group, 5);
  return key;
}

/** The group in a {@link removedGroupKey}. */
export function groupInRemovedKey(key: Buffer): GroupNumber {
  return { stream: key.readUInt32BE(1), group: key.readUInt32BE(5) };
}

/** The smallest key greater than all keys that start with `prefix`. */
export function after(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.from([0xff, 0xff]);
}
