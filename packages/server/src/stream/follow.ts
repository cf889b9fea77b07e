/** GET with `live=sse`: what there is after an offset and what comes, as an event stream. */
import type { Page, StreamInfo, StreamSource } from '@weir/stream';
import { problemOf } from '../http/problem-of.js';
import { bodyOf } from './page-body.js';
import { nextCursor } from './stream-cursor.js';
import { problemOfStream } from './stream-problem.js';

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
  /** Told of each page that is sent. */
  readonly onPage: (page: Page) => void;
}

/** Whether data is sent in base64: an event stream is text. */
export function isBinary({ isJson, contentType }: StreamInfo): boolean {
  return !isJson && !/^\s*text\//i.test(contentType);
}

/**
 * The event stream: each `data` event with a `control` event behind it. It reads on as it is sent, so that who is slow
 * holds back nobody but itself.
 */
export async function* eventsOf(
  source: StreamSource,
  from: number,
  { cursor, signal, onPage }: FollowOptions,
): AsyncGenerator<string> {
  const { info } = source;
  const end = performance.now() + CONNECTION_MS;
  let place = from;
  let known = cursor;
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const page = await source.read(place, PAGE_BYTES);
      place = page.next;
      if (page.payloads.length > 0 || page.isEnd || isFirst) {
        if (!page.isEnd) known = laterCursor(known, isFirst);
        onPage(page);
        yield dataOf(info, page) + controlOf(source, page, known);
      } else {
        yield ': still here\n\n';
      }
      const left = end - performance.now();
      if (page.isEnd || left <= 0) return;
      if (page.isTail) await source.changed(place, { signal, timeoutMs: Math.min(HEARTBEAT_MS, left) });
    }
  } catch (error) {
    // The stream was removed, or may be read no more. Who comes back is told so; what nobody foresaw breaks the connection.
    if (problemOf(problemOfStream(error)).status === 500) throw error;
  }
}

/** The first cursor is above the client's; later ones never go back. */
function laterCursor(known: string | undefined, isFirst: boolean): string {
  const now = Date.now();
  const current = nextCursor(undefined, now);
  if (isFirst || known === undefined) return nextCursor(known, now);
  return Number(known) > Number(current) ? known : current;
}

function dataOf(info: StreamInfo, page: Page): string {
  if (page.payloads.length === 0) return '';
  const body = bodyOf(info, page);
  return event('data', isBinary(info) ? body.toString('base64') : body.toString());
}

function controlOf(source: StreamSource, { next, isTail, isEnd }: Page, cursor: string | undefined): string {
  const control = {
    streamNextOffset: source.offsetOf(next),
    ...(isEnd ? { streamClosed: true } : { streamCursor: cursor }),
    ...(isTail && { upToDate: true }),
  };
  return event('control', JSON.stringify(control));
}

/** Every line of the text is a line of data; a space in front of one is kept by another. */
function event(type: string, text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data:${line.startsWith(' ') ? ' ' : ''}${line}\n`);
  return `event: ${type}\n${lines.join('')}\n`;
}
