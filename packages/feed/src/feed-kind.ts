import { rowReceivedAt } from '@weir/ingest';

/** Kinds of items. `events`: accepted events, each as its row. */
export type FeedKind = 'events';

/** When an item of each kind was received, epoch milliseconds; read from the item, which is kept as it comes. */
const RECEIVED_AT: Readonly<Record<FeedKind, (item: Buffer) => number>> = {
  events: (row) => rowReceivedAt(row, 0),
};

const PREFIX = 'feed:';

/** What the names of all streams of items begin with. */
export const FEED_STREAMS = PREFIX;

/** The stream of a project's items of a kind. */
export function streamOf(kind: FeedKind, projectId: string): string {
  return `${PREFIX}${kind}:${projectId}`;
}

/** When an item of a stream was received, epoch milliseconds. */
export function receivedAtIn(stream: string, item: Uint8Array): number {
  // The cast holds by streamOf.
  const kind = stream.slice(PREFIX.length).split(':', 1)[0] as FeedKind;
  return RECEIVED_AT[kind](Buffer.from(item.buffer, item.byteOffset, item.byteLength));
}
