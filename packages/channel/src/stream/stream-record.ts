/**
 * The metadata of a stream: the last entry of a separate log stream, rewritten at each change. It includes the places
 * of the producers at some append. Every later entry names its producer, so those entries complete the record. Thus a
 * batch and its producer's place are one entry, and opening a stream reads few entries.
 */
import type { Log, Part } from '@weir/log';
import type { ProducerPlace } from './producers.js';
import { keyOf, recordStream, type StreamKey } from './stream-name.js';

/** When a stream expires. */
export type Expiry =
  | { readonly kind: 'never' }
  /** This many seconds after its last read or write. */
  | { readonly kind: 'ttl'; readonly seconds: number }
  /** At this time, unix milliseconds. */
  | { readonly kind: 'at'; readonly at: number };

/** A range of entries that a stream consists of: its own, or those of the source of a fork. */
export interface Segment {
  /** The log stream that contains them. */
  readonly stream: string;
  readonly generation: number;
  /** The range is the appends after number `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  /** The log offset of append number `from`. */
  readonly base: number;
}

/** The fork request that created a stream. */
export interface ForkOrigin {
  /** Name of the source. */
  readonly source: string;
  /** As requested; null for the end of the source. */
  readonly offset: string | null;
  readonly subOffset: number;
  /** Whether the request set an expiry. */
  readonly hasOwnExpiry: boolean;
}

export interface StreamRecord {
  /** Distinguishes the stream from earlier and later ones of the same name. */
  readonly generation: number;
  /** As sent by the client. */
  readonly contentType: string;
  readonly expiry: Expiry;
  /** Whether the stream accepts no more appends. */
  readonly closed: boolean;
  /** The inherited content, oldest first; empty unless the stream is a fork. */
  readonly inherited: readonly Segment[];
  /** The log offset before its first own entry. */
  readonly base: number;
  readonly fork: ForkOrigin | null;
  /** Number of forks between the stream and the original source. */
  readonly depth: number;
  /** Number of forks that share its content. */
  readonly forks: number;
  /** `deleted`: retained for its forks. `removed`: being erased. */
  readonly standing: 'present' | 'deleted' | 'removed';
  /** The append number that the following fields refer to. */
  readonly last: number;
  readonly seq: string;
  readonly producers: readonly (readonly [string, ProducerPlace])[];
  /** Time of the last read or write, unix milliseconds. */
  readonly touchedAt: number;
}

/** The number of appends that a stream shares with others. */
export function inheritedCount({ inherited }: StreamRecord): number {
  return inherited.at(-1)?.to ?? 0;
}

/** The last record; null if there is none. */
export async function readRecord(log: Log, key: StreamKey): Promise<StreamRecord | null> {
  const stream = recordStream(key);
  const { last, entries } = await log.stats(stream);
  if (entries === 0) return null;
  const [entry] = await log.read(stream, { after: last - 1, limit: 1 });
  // The cast holds: only recordPart writes to this stream.
  return entry === undefined ? null : (JSON.parse(Buffer.from(entry.data).toString()) as StreamRecord);
}

/** The part of a commit that writes a record. */
export function recordPart(key: StreamKey, record: StreamRecord): Part {
  return { stream: recordStream(key), entries: [Buffer.from(JSON.stringify(record))], owner: key.project };
}

/** Trims earlier versions of a record; if this fails, the next change trims them. */
export function forgetFormer(log: Log, key: StreamKey): void {
  const stream = recordStream(key);
  log
    .stats(stream)
    .then(({ last }) => log.trim(stream, last))
    .catch(() => undefined);
}

/** The key of the source of a fork. */
export function sourceOf({ project }: StreamKey, { source }: Pick<ForkOrigin, 'source'>): StreamKey {
  return keyOf(project, source);
}
