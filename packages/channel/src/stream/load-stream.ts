import { Slice } from '@weir/base';
import { decodeEntry } from './entry-codec.js';
import type { Surroundings } from './live-stream.js';
import { ProducerTable } from './producers.js';
import { dataStream, recordStream, type StreamKey } from './stream-name.js';
import { inheritedCount, readRecord, type StreamRecord } from './stream-record.js';

/** The places of the writers of a stream. */
export interface WriterState {
  /** Number of appends, including those inherited by a fork. */
  readonly last: number;
  /** The last `Stream-Seq`; empty if there is none. */
  readonly seq: string;
  readonly producers: ProducerTable;
}

/** A stream as the log stores it. */
export interface LoadedStream extends WriterState {
  readonly record: StreamRecord;
  /** Appends after the one that the record covers, and their bytes: opening the stream must read them. */
  readonly unrecorded: { readonly entries: number; readonly bytes: number };
}

/** Bytes read at a time. */
const PORTION_BYTES = 256 * 1024;

/** Reads the record of a stream, and the appends after it; null if there is no stream. */
export async function loadStream(
  around: Pick<Surroundings, 'log' | 'counts'>,
  key: StreamKey,
): Promise<(LoadedStream & { readonly writtenAt: number }) | null> {
  const { log } = around;
  const record = await readRecord(log, key);
  if (record === null) return null;
  if (record.standing === 'removed') {
    await eraseStream(around, key);
    return null;
  }
  const own = record.base - inheritedCount(record);
  const end = Math.max(record.base, (await log.stats(dataStream(key))).last);
  const producers = new ProducerTable(record.producers);
  let { seq } = record;
  let writtenAt = 0;
  let bytes = 0;
  let after = own + record.last;
  const entries = end - after;
  const slice = new Slice({ owner: key.project });
  while (after < end) {
    if (slice.isOver) await slice.next();
    for (const { offset, data } of await log.read(dataStream(key), { after, maxBytes: PORTION_BYTES })) {
      const append = decodeEntry(data);
      const { producer, at } = append;
      if (producer !== null) producers.set(producer.id, { epoch: producer.epoch, seq: producer.seq, at });
      if (append.seq !== '') seq = append.seq;
      writtenAt = at;
      bytes += data.byteLength;
      after = offset;
    }
  }
  return { record, last: end - own, seq, producers, writtenAt, unrecorded: { entries, bytes } };
}

/**
 * Erases a stream whose record is marked as removed. The record goes last, so that a crash in between leaves no content
 * without one. The generation distinguishes the stream from a later one of the same name, so the log need not remember
 * the name.
 */
export async function eraseStream(
  { log, counts }: Pick<Surroundings, 'log' | 'counts'>,
  key: StreamKey,
): Promise<void> {
  await log.remove(dataStream(key), { forget: true });
  await log.remove(recordStream(key), { forget: true });
  counts.add(key, -1);
}
