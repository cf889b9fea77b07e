import { createHash } from 'node:crypto';
import { readRow, rowEvent, rowReceivedAt } from '@weir/ingest';
import { documentOfItem, nameOfItem, processOfItem, timeOfItem } from './document-item.js';
import { eventOfPayload, type FeedEvent } from './event-document.js';

/**
 * Kinds of items. `events`: accepted events, each as its row. `usage`: usage records, `dead_letters`: events that could not be
 * stored, and `processes`: what happened to processes, each as a document.
 */
export const FEED_KINDS = ['events', 'usage', 'dead_letters', 'processes'] as const;

/** One of {@link FEED_KINDS}. */
export type FeedKind = (typeof FEED_KINDS)[number];

/** What is read from the items of a kind, which are kept as they come. */
export interface ItemReader {
  /** When it was received or came to be, epoch milliseconds. */
  receivedAt(item: Buffer): number;
  /** What it is chosen by: the event's name, or what a usage record calls its request. */
  name(item: Buffer): string;
  /** Whose it is: those who share a group get the items of one in order. Null for nobody's. */
  lane(item: Buffer): string | null;
  /** What is told of it. */
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

/** Ids may be of any length, and lanes not. */
const MAX_LANE = 64;

function shortened(id: string | null): string | null {
  if (id === null || id.length <= MAX_LANE) return id;
  return createHash('sha256').update(id).digest('base64url');
}

const PREFIX = 'feed:';

/** What the names of all streams of items begin with. */
export const FEED_STREAMS = PREFIX;

/** The stream of a project's items of a kind. */
export function streamOf(kind: FeedKind, projectId: string): string {
  return `${PREFIX}${kind}:${projectId}`;
}

/** Whose items a stream has, and of which kind. */
export function ownerOf(stream: string): { readonly kind: FeedKind; readonly projectId: string } {
  const [kind, projectId = ''] = stream.slice(PREFIX.length).split(':', 2);
  // The cast holds by streamOf.
  return { kind: kind as FeedKind, projectId };
}

/** How items of a kind are read. */
export function readerOf(kind: FeedKind): ItemReader {
  return READERS[kind];
}

/** When an item of a stream was received, epoch milliseconds. */
export function receivedAtIn(stream: string, item: Uint8Array): number {
  return readerOf(ownerOf(stream).kind).receivedAt(bufferOf(item));
}

/** What an item of a stream is chosen by: an event's name. */
export function nameIn(stream: string, item: Buffer): string {
  return readerOf(ownerOf(stream).kind).name(item);
}

/** What is told of an item of a stream. */
export function documentIn(stream: string, item: Buffer): FeedEvent {
  return readerOf(ownerOf(stream).kind).document(item);
}

/** The same bytes. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
