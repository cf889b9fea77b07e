/**
 * GET /api/v1/projects/{id}/feed: follows a project's events as they are accepted, over Server-Sent Events, from a
 * cursor.
 */

import { Readable } from 'node:stream';
import { firstAbort } from '@weir/base';
import { type EventTexts, FeedError, type FeedItem, type FeedPlace, gapOf } from '@weir/feed';
import type { RequestRecord } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { holdPlace } from '../http/hold-place.js';
import { parseInput } from '../http/parse.js';
import { surface } from '../http/surface.js';
import { upgradeOf } from '../http/upgrade.js';
import { whenDone } from '../http/when-done.js';
import { openEndedAnswer, usageOf } from '../usage/request-usage.js';
import type { FeedAccess } from './feed-access.js';
import { endOf, startOf } from './feed-place.js';
import { streamName } from './feed-stream.js';
import { lostRight } from './right-watch.js';
import type { ServerFeed } from './server-feed.js';
import type { FeedSockets } from './socket/feed-sockets.js';

/** Silence after which a comment is sent, so that intermediaries do not close the connection as idle. */
const HEARTBEAT_MS = 15_000;
/** How long a client waits before it reconnects. */
const RETRY_MS = 1_000;

const querystring = z.strictObject({
  stream: streamName.default('events'),
  event: z.union([z.string().transform((name) => [name]), z.array(z.string())]).optional(),
  after: z.string().min(1).default('latest'),
  until: z.string().min(1).optional(),
  ticket: z.string().optional(),
});

/** Adds the route. */
export function feedRoute(
  web: FastifyInstance,
  access: FeedAccess,
  feed: ServerFeed,
  sockets: FeedSockets,
): void {
  web.get<{ Params: { id: string } }>(
    '/api/v1/projects/:id/feed',
    surface('feed'),
    async (request, reply) => {
      const { id } = request.params;
      if (upgradeOf(request.raw) !== null) {
        await sockets.serve(request, reply, id);
        return reply;
      }
      const asked = () => parseInput(querystring, request.query);
      const caller = await access.enter(request, reply, id, () => asked().stream);
      const { projectId } = caller;
      holdPlace(feed.followers, projectId, request, reply);
      holdPlace(feed.subscriptions, projectId, request, reply);
      const { stream, event, after, until } = asked();
      const resumed = request.headers['last-event-id'];
      const given = typeof resumed === 'string' && resumed !== '' ? resumed : after;
      const place = await feed.locate(stream, projectId, startOf(given));
      const end = until === undefined ? undefined : await feed.lastUpTo(stream, projectId, endOf(until));
      const gone = new AbortController();
      const lost = lostRight(() => access.isStillAllowed(caller, stream), gone.signal);
      const over = firstAbort(gone.signal, feed.ending, lost);
      whenDone(request.raw, reply.raw, () => {
        gone.abort();
        over.release();
      });
      const pages = feed.feed.follow(place, {
        signal: over.signal,
        idleMs: HEARTBEAT_MS,
        ...(end === undefined ? {} : { last: end }),
      });
      const names = event === undefined ? null : new Set(event);
      const text = textOf(pages, place, {
        texts: feed.texts,
        names,
        usage: usageOf(request.raw),
        signal: over.signal,
      });
      return (
        reply
          .type('text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('x-accel-buffering', 'no')
          // The shutdown waits for kept-alive connections.
          .header('connection', 'close')
          .send(Readable.from(openEndedAnswer(request.raw, text), { objectMode: false }))
      );
    },
  );
}

type Pages = AsyncIterable<readonly FeedItem[]>;

interface TextParts {
  readonly texts: EventTexts;
  /** Null for all. */
  readonly names: ReadonlySet<string> | null;
  readonly usage: RequestRecord | undefined;
  /** Aborts when the answer must end early. */
  readonly signal: AbortSignal;
}

/** The event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
async function* textOf(
  pages: Pages,
  { stream, cursor }: FeedPlace,
  { texts, names, usage, signal }: TextParts,
): AsyncGenerator<string> {
  let reached = cursor;
  // An id without data sets the last event id too: a client that disconnects before the first event resumes here.
  yield `retry: ${RETRY_MS}\nid: ${cursor}\n\n`;
  try {
    for await (const page of pages) {
      let text = page.length === 0 ? ': still here\n\n' : '';
      let reported = '';
      let count = 0;
      for (const item of page) {
        const event = texts.ifWanted(stream, item, names);
        if (event === null) continue;
        text += `id: ${item.cursor}\ndata: ${event.text}\n\n`;
        reported = item.cursor;
        count += 1;
      }
      const last = page.at(-1);
      if (last !== undefined && last.cursor !== reported) text += `id: ${last.cursor}\n\n`;
      reached = last?.cursor ?? reached;
      usage?.delivered(count);
      yield text;
    }
    // This event lets a client tell the requested end from a broken connection.
    if (!signal.aborted) yield `event: end\ndata: ${JSON.stringify({ cursor: reached })}\n\n`;
  } catch (error) {
    if (!(error instanceof FeedError) || gapOf(error) === undefined) throw error;
    const { code, message: detail, facts } = error;
    yield `event: error\ndata: ${JSON.stringify({ code, detail, ...facts })}\n\n`;
  }
}
