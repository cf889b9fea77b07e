/** GET with `live=sse`: what there is after an offset and what comes, as an event stream. */
import { takeTurn } from '@weir/base';
import { isText, type Page, type StreamInfo, type StreamSource } from '@weir/channel/stream';
import { problemOf } from '../http/problem-of.js';
import { eventBase64, eventText, inPieces } from './event-text.js';
import type { Outgoing } from './outgoing.js';
import { bodyOf } from './page-body.js';
import { nextCursor } from './stream-cursor.js';
import { readText } from './text-page.js';

/** Silence after which a comment is sent, so that nothing between takes the connection for dead. */
const HEARTBEAT_MS = 15_000;
/** How long a connection lasts: clients that come back can share a cache's (protocol, section 8.2). */
const CONNECTION_MS = 60_000;
const PAGE_BYTES = 256 * 1024;

/** How a client follows. */
export interface FollowOptions {
  readonly cursor: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  readonly outgoing: Outgoing;
  /** In whose turns of the event loop it reads: a project. */
  readonly owner: string;
  /** Told of each page that was sent. */
  readonly onPage: (page: Page) => void;
}

/** Whether data is sent in base64: an event stream is text. */
export function isBinary({ contentType }: StreamInfo): boolean {
  return !isText(contentType);
}

/**
 * The event stream: each `data` event with a `control` event behind it. It reads on as it is taken, so that who is slow
 * holds back nobody but itself.
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
      // Messages of a JSON stream are whole.
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
    // The stream was removed, or may be read no more. Who comes back is told so; what nobody foresaw breaks the connection.
    if (problemOf(error).status === 500) throw error;
  }
}

async function whole(reading: Promise<Page>): Promise<{ readonly page: Page; readonly seen: number }> {
  const page = await reading;
  return { page, seen: page.next };
}

/** The first cursor is above the client's; later ones never go back. */
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
