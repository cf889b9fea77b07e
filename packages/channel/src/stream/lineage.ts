/** Locates the appends of a stream. A fork refers to the appends of its source and does not copy them. */
import { takeTurn } from '@weir/base';
import type { Log } from '@weir/log';
import { decodeEntry, type StoredAppend } from './entry-codec.js';
import { encodeOffset, parseOffset } from './offset.js';
import { StreamError } from './stream-error.js';
import { dataStream, type StreamKey } from './stream-name.js';
import { inheritedCount, type Segment, type StreamRecord } from './stream-record.js';

/** All segments of a stream that has `last` appends, oldest first. */
export function segmentsOf(key: StreamKey, record: StreamRecord, last: number): Segment[] {
  const { generation, base, inherited } = record;
  const from = inheritedCount(record);
  const own = { stream: dataStream(key), generation, from, to: last, base };
  return last > from ? [...inherited, own] : [...inherited];
}

/** The segments of the first `count` appends. */
export function firstOf(segments: readonly Segment[], count: number): Segment[] {
  return segments
    .filter(({ from }) => from < count)
    .map((segment) => ({ ...segment, to: Math.min(segment.to, count) }));
}

/** The offset of a place, in the form that clients see. */
export function offsetAt(record: StreamRecord, index: number): string {
  return encodeOffset({ index, generation: generationAt(record, index) });
}

/**
 * Parses a client's offset.
 * @throws StreamError `invalid_offset`, `cursor_expired`
 */
export function indexOf(record: StreamRecord, last: number, text: string): number {
  const { index, generation } = parseOffset(text);
  if (index === 0 && generation === 0) return 0;
  const isKnown = index > 0 && index <= last && generation === generationAt(record, index);
  if (isKnown) return index;
  const isOwn = generation === record.generation || index === 0;
  if (isOwn || record.inherited.some((segment) => segment.generation === generation)) {
    throw new StreamError('invalid_offset', `the stream has no offset ${text}`);
  }
  throw new StreamError('cursor_expired', `offset ${text} belongs to an earlier stream of this name`);
}

/** Bytes read in one turn of the event loop. */
const PORTION_BYTES = 256 * 1024;

/** The range that {@link readAppends} reads. */
export interface Reach {
  /** The place before the first append. */
  readonly after: number;
  readonly maxBytes: number;
  /** The owner (a project) that shares the event loop fairly with others. */
  readonly owner: string;
}

/** Reads whole appends after a place: up to `maxBytes` of stored size, but at least one. */
export async function readAppends(
  log: Log,
  segments: readonly Segment[],
  { after, maxBytes, owner }: Reach,
): Promise<StoredAppend[]> {
  const appends: StoredAppend[] = [];
  let place = after;
  let left = maxBytes;
  for (const { stream, from, to, base } of segments) {
    while (place >= from && place < to && left > 0) {
      await takeTurn(owner);
      const entries = await log.read(stream, {
        after: base + place - from,
        limit: to - place,
        maxBytes: Math.min(left, PORTION_BYTES),
      });
      for (const { data } of entries) {
        if (appends.length > 0 && data.byteLength > left) return appends;
        appends.push(decodeEntry(data));
        left -= data.byteLength;
        place += 1;
      }
    }
  }
  return appends;
}

function generationAt({ generation, inherited }: StreamRecord, index: number): number {
  return inherited.find(({ from, to }) => from < index && index <= to)?.generation ?? generation;
}
