/** GET without an event stream: returns the content after an offset, and waits for it if requested. */
import type { Page, StreamSource } from '@weir/channel/stream';
import type { FastifyReply } from 'fastify';
import type { Outgoing } from './outgoing.js';
import { bodyOf } from './page-body.js';
import { nextCursor } from './stream-cursor.js';

/** A read request. */
export interface ReadRequest {
  /** As the client sent it. */
  readonly offset: string;
  readonly cursor: string | undefined;
  /** If-None-Match. */
  readonly known: string | undefined;
}

/** How a request waits. */
export interface Patience {
  /** Aborts when the wait must end. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Answers with the available content. */
export async function catchUp(
  source: StreamSource,
  request: ReadRequest,
  reply: FastifyReply,
  outgoing: Outgoing,
): Promise<Page> {
  const place = source.locate(request.offset);
  const page = await source.read(place);
  outgoing.hold(page);
  describe(source, page, request, reply);
  if (request.offset === 'now') {
    void reply.header('cache-control', 'no-store').send(bodyOf(source.info, page));
    return page;
  }
  return sendUnlessKnown(source, place, page, request, reply);
}

/** Answers with the available or the next content; with 204 after a timeout. */
export async function longPoll(
  source: StreamSource,
  request: ReadRequest,
  reply: FastifyReply,
  outgoing: Outgoing,
  patience: Patience,
): Promise<Page> {
  const place = source.locate(request.offset);
  let page = await source.read(place);
  if (page.payloads.length === 0 && !page.isEnd) {
    await source.changed(place, patience);
    page = await source.read(place);
  }
  outgoing.hold(page);
  describe(source, page, request, reply);
  // The shutdown waits for kept-alive connections.
  if (patience.signal.aborted) reply.header('connection', 'close');
  if (page.payloads.length > 0) return sendUnlessKnown(source, place, page, request, reply);
  void reply.code(204).header('cache-control', 'no-store').send();
  return page;
}

function describe(source: StreamSource, page: Page, { cursor }: ReadRequest, reply: FastifyReply): void {
  reply
    // A cache must not answer one project with the stream of another.
    .header('vary', 'Origin, Authorization')
    .header('content-type', source.info.contentType)
    .header('stream-next-offset', source.offsetOf(page.next))
    .header('stream-cursor', nextCursor(cursor, Date.now()));
  if (page.isTail) reply.header('stream-up-to-date', 'true');
  if (page.isEnd) reply.header('stream-closed', 'true');
}

function sendUnlessKnown(
  source: StreamSource,
  place: number,
  page: Page,
  { known }: ReadRequest,
  reply: FastifyReply,
): Page {
  const { info } = source;
  const range = `${source.offsetOf(place)}:${source.offsetOf(page.next)}`;
  const etag = `"${info.generation}:${range}${page.isEnd ? ':c' : ''}"`;
  // At the tail more may follow, and a stream can be created again; the content between two offsets never changes.
  const stays = !page.isTail && place > 0;
  reply
    .header('etag', etag)
    .header('cache-control', stays ? 'private, max-age=60, stale-while-revalidate=300' : 'private, no-cache');
  if (isKnown(known, etag)) {
    void reply.code(304).send();
    return { ...page, messages: 0 };
  }
  void reply.send(bodyOf(info, page));
  return page;
}

/** RFC 9110, section 13.1.2: weak comparison. */
function isKnown(known: string | undefined, etag: string): boolean {
  if (known === undefined) return false;
  return known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) || known.trim() === '*';
}
