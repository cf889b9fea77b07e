import { Slice } from '@weir/base';
import { decodeEntry } from './entry-codec.js';
import type { Surroundings } from './live-stream.js';
import { ProducerTable } from './producers.js';
import { dataStream, recordStream, type StreamKey } from './stream-name.js';
import { inheritedCount, readRecord, type StreamRecord } from './stream-record.js';

/** How far the writers of a stream are. */
export interface WriterState {
  /** Number of appends, those a fork began with among them. */
  readonly last: number;
  /** The last `Stream-Seq`; empty for none. */
  readonly seq: string;
  readonly producers: ProducerTable;
}

/** A stream as the log has it. */
export interface LoadedStream extends WriterState {
  readonly record: StreamRecord;
  /** Appends after the one the record speaks of, and their bytes: what has to be read to open the stream. */
  readonly unrecorded: { readonly entries: number; readonly bytes: number };
}

/** Bytes read at a time. */
const PORTION_BYTES = 256 * 1024;

/** Reads a stream's record, and the appends after the one it speaks of; null where there is none. */
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
 * Erases a stream whose record says that it is removed: the record last, so that a crash in between leaves no content.
 * Generations tell it from a later one of its name, which the log need not remember.
 */
export async function eraseStream(
  { log, counts }: Pick<Surroundings, 'log' | 'counts'>,
  key: StreamKey,
): Promise<void> {
  await log.remove(dataStream(key), { forget: true });
  await log.remove(recordStream(key), { forget: true });
  counts.add(key, -1);
}
