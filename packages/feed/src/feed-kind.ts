import { createHash } from 'node:crypto';
import { readRow, rowEvent, rowReceivedAt } from '@weir/ingest';
import { documentOfItem, nameOfItem, processOfItem, timeOfItem } from './document-item.js';
import { eventOfPayload, type FeedEvent } from './event-document.js';

/**
 * Kinds of items. `events`: accepted events, each as its row. `usage`: usage records, `dead_letters`: events that could
 * not be stored, `processes`: changes of processes, each as a document.
 */
export const FEED_KINDS = ['events', 'usage', 'dead_letters', 'processes'] as const;

/** One of {@link FEED_KINDS}. */
export type FeedKind = (typeof FEED_KINDS)[number];

/** Reads the stored items of one kind. */
export interface ItemReader {
  /** When the item was received or created, epoch milliseconds. */
  receivedAt(item: Buffer): number;
  /** The name for filters: that of the event, or the request name of a usage record. */
  name(item: Buffer): string;
  /** The ordering key: members of a group receive the items of one key in order. Null for no order. */
  lane(item: Buffer): string | null;
  /** The document of the item. */
  document(item: Buffer): FeedEvent;
}

const DOCUMENTS: ItemReader = {
  receivedAt: timeOfItem,
  name: nameOfItem,
  lane: () => null,
  document: documentOfItem,
};

const READERS: Readonly<Record<FeedKind, ItemReader>> = {
  events: {
    receivedAt: (row) => rowReceivedAt(row, 0),
    name: (row) => rowEvent(row, 0),
    lane: (row) => {
      const { user_id, anonymous_id } = readRow(row, 0);
      return shortened(user_id ?? anonymous_id);
    },
    document: eventOfPayload,
  },
  usage: DOCUMENTS,
  dead_letters: DOCUMENTS,
  processes: { ...DOCUMENTS, lane: processOfItem },
};

/** Maximum length of an ordering key; ids may have any length. */
const MAX_LANE = 64;

function shortened(id: string | null): string | null {
  if (id === null || id.length <= MAX_LANE) return id;
  return createHash('sha256').update(id).digest('base64url');
}

const PREFIX = 'feed:';

/** The name prefix of all item streams. */
export const FEED_STREAMS = PREFIX;

/** The stream of a project's items of a kind. */
export function streamOf(kind: FeedKind, projectId: string): string {
  return `${PREFIX}${kind}:${projectId}`;
}

/** The project and kind of a stream. */
export function ownerOf(stream: string): { readonly kind: FeedKind; readonly projectId: string } {
  const [kind, projectId = ''] = stream.slice(PREFIX.length).split(':', 2);
  // The cast holds by streamOf.
  return { kind: kind as FeedKind, projectId };
}

/** The reader for items of a kind. */
export function readerOf(kind: FeedKind): ItemReader {
  return READERS[kind];
}

/** When an item of a stream was received, epoch milliseconds. */
export function receivedAtIn(stream: string, item: Uint8Array): number {
  return readerOf(ownerOf(stream).kind).receivedAt(bufferOf(item));
}

/** The name of an item of a stream, for filters. */
export function nameIn(stream: string, item: Buffer): string {
  return readerOf(ownerOf(stream).kind).name(item);
}

/** The document of an item of a stream. */
export function documentIn(stream: string, item: Buffer): FeedEvent {
  return readerOf(ownerOf(stream).kind).document(item);
}

/** The same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
