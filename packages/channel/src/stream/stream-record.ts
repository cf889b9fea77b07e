/**
 * What is known of a stream beside its content: the last entry of a stream of the log of its own, rewritten at each change.
 * It also says how far producers were at some append; the entries after that one, each of which names its producer, say
 * the rest. So a batch and what is known of its producer are one entry, and a stream is opened by reading few.
 */
import type { Log, Part } from '@weir/log';
import type { ProducerPlace } from './producers.js';
import { keyOf, recordStream, type StreamKey } from './stream-name.js';

/** When a stream ends by itself. */
export type Expiry =
  | { readonly kind: 'never' }
  /** So many seconds after it was last read or written. */
  | { readonly kind: 'ttl'; readonly seconds: number }
  /** Then, unix milliseconds. */
  | { readonly kind: 'at'; readonly at: number };

/** Entries of a stream that another one begins with, or its own. */
export interface Segment {
  /** The log's stream they are in. */
  readonly stream: string;
  readonly generation: number;
  /** They are the appends after number `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  /** The log's offset of number `from`. */
  readonly base: number;
}

/** What a fork was asked to be. */
export interface ForkOrigin {
  /** Name of its source. */
  readonly source: string;
  /** As requested; null where it was the source's end. */
  readonly offset: string | null;
  readonly subOffset: number;
  /** Whether it was created with an expiry of its own. */
  readonly hasOwnExpiry: boolean;
}

export interface StreamRecord {
  /** Told apart from all streams of this name before and after. */
  readonly generation: number;
  /** As it was given. */
  readonly contentType: string;
  readonly expiry: Expiry;
  /** Whether nothing is appended any more. */
  readonly closed: boolean;
  /** What it begins with, oldest first; empty but for forks. */
  readonly inherited: readonly Segment[];
  /** The log's offset before the first entry of its own. */
  readonly base: number;
  readonly fork: ForkOrigin | null;
  /** Forks of forks above it. */
  readonly depth: number;
  /** Forks that begin with it. */
  readonly forks: number;
  /** `deleted`: kept for its forks. `removed`: is being erased. */
  readonly standing: 'present' | 'deleted' | 'removed';
  /** Up to which append the following is so. */
  readonly last: number;
  readonly seq: string;
  readonly producers: readonly (readonly [string, ProducerPlace])[];
  /** When it was last read or written, unix milliseconds. */
  readonly touchedAt: number;
}

/** How many appends a stream has from others. */
export function inheritedCount({ inherited }: StreamRecord): number {
  return inherited.at(-1)?.to ?? 0;
}

/** The record as it was last written; null where there is none. */
export async function readRecord(log: Log, key: StreamKey): Promise<StreamRecord | null> {
  const stream = recordStream(key);
  const { last, entries } = await log.stats(stream);
  if (entries === 0) return null;
  const [entry] = await log.read(stream, { after: last - 1, limit: 1 });
  // The cast holds by recordPart, which alone appends here.
  return entry === undefined ? null : (JSON.parse(Buffer.from(entry.data).toString()) as StreamRecord);
}

/** A record's part of a commit. */
export function recordPart(key: StreamKey, record: StreamRecord): Part {
  return { stream: recordStream(key), entries: [Buffer.from(JSON.stringify(record))], owner: key.project };
}

/** Forgets what a record was before; the next change does it again should this fail. */
export function forgetFormer(log: Log, key: StreamKey): void {
  const stream = recordStream(key);
  log
    .stats(stream)
    .then(({ last }) => log.trim(stream, last))
    .catch(() => undefined);
}

/** The key of a fork's source. */
export function sourceOf({ project }: StreamKey, { source }: Pick<ForkOrigin, 'source'>): StreamKey {
  return keyOf(project, source);
}
