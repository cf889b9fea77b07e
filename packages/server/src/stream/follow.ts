/** GET with `live=sse`: sends the content after an offset and later appends as an event stream. */
import { takeTurn } from '@weir/base';
import { isText, type Page, type StreamInfo, type StreamSource } from '@weir/channel/stream';
import { problemOf } from '../http/problem-of.js';
import { eventBase64, eventText, inPieces } from './event-text.js';
import type { Outgoing } from './outgoing.js';
import { bodyOf } from './page-body.js';
import { nextCursor } from './stream-cursor.js';
import { readText } from './text-page.js';

/** Silence after which a comment is sent, so that intermediaries do not close the connection as idle. */
const HEARTBEAT_MS = 15_000;
/** Maximum duration of a connection: clients that reconnect can share a cache (protocol, section 8.2). */
const CONNECTION_MS = 60_000;
const PAGE_BYTES = 256 * 1024;

/** Options of a live read. */
export interface FollowOptions {
  readonly cursor: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  readonly outgoing: Outgoing;
  /** The owner (a project) that shares the event loop fairly with others. */
  readonly owner: string;
  /** Called for each page that was sent. */
  readonly onPage: (page: Page) => void;
}

/** Whether data is sent in base64, because an event stream is text. */
export function isBinary({ contentType }: StreamInfo): boolean {
  return !isText(contentType);
}

/**
 * The event stream: each `data` event is followed by a `control` event. It reads on only as the client reads, so a slow
 * client delays only itself.
 */
export async function* eventsOf(
  source: StreamSource,
  from: number,
  { cursor, signal, outgoing, owner, onPage }: FollowOptions,
): AsyncGenerator<string> {
  const { info } = source;
  const end = performance.now() + CONNECTION_MS;
  let place = from;
  let known = cursor;
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      // Messages of a JSON stream are never split.
      const isCut = !isBinary(info) && !info.isJson;
      const { page, seen } = isCut
        ? await readText(source, place, PAGE_BYTES)
        : await whole(source.read(place, PAGE_BYTES));
      place = page.next;
      if (page.payloads.length > 0 || page.isEnd || isFirst) {
        if (!page.isEnd) known = laterCursor(known, isFirst);
        const control = controlOf(source, page, known);
        outgoing.hold(page);
        for (const text of inPieces(textOf(info, page, control))) {
          if (signal.aborted) return;
          yield text;
          await outgoing.taken();
          await takeTurn(owner, signal);
        }
        outgoing.release();
        onPage(page);
      } else {
        yield ': still here\n\n';
      }
      const left = end - performance.now();
      if (page.isEnd || left <= 0) return;
      if (page.isTail) await source.changed(seen, { signal, timeoutMs: Math.min(HEARTBEAT_MS, left) });
    }
  } catch (error) {
    // If the stream was removed or may no longer be read, end quietly: the client gets the reason when it reconnects.
    // An unexpected error breaks the connection.
    if (problemOf(error).status === 500) throw error;
  }
}

async function whole(reading: Promise<Page>): Promise<{ readonly page: Page; readonly seen: number }> {
  const page = await reading;
  return { page, seen: page.next };
}

/** The first cursor is above the client's; later ones never decrease. */
function laterCursor(known: string | undefined, isFirst: boolean): string {
  const now = Date.now();
  const current = nextCursor(undefined, now);
  if (isFirst || known === undefined) return nextCursor(known, now);
  return Number(known) > Number(current) ? known : current;
}

function* textOf(info: StreamInfo, page: Page, control: object): Generator<string> {
  if (page.payloads.length > 0) {
    const body = bodyOf(info, page);
    yield* isBinary(info) ? eventBase64('data', body) : eventText('data', body.toString());
  }
  yield* eventText('control', JSON.stringify(control));
}

function controlOf(source: StreamSource, { next, isTail, isEnd }: Page, cursor: string | undefined): object {
  return {
    streamNextOffset: source.offsetOf(next),
    ...(isEnd ? { streamClosed: true } : { streamCursor: cursor }),
    ...(isTail && { upToDate: true }),
  };
}
