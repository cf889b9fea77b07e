/**
 * /v1/stream/{name…}: the Durable Streams protocol, see docs/streams.md.
 *
 *     PUT     creates a stream       GET     reads: at once, waiting (live=long-poll) or live (live=sse)
 *     POST    appends, or closes     HEAD    returns the end offset
 *     DELETE  deletes                OPTIONS answers preflights
 */

import { Readable } from 'node:stream';
import { firstAbort, WeirError } from '@weir/base';
import type { StreamSource } from '@weir/channel/stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ProjectPlaces } from '../admission/project-places.js';
import type { ChannelAccess, ChannelUser } from '../channel/channel-access.js';
import { lostRight } from '../feed/right-watch.js';
import type { BodyReader } from '../http/body/body-reader.js';
import { holdPlace } from '../http/hold-place.js';
import { parseInput } from '../http/parse.js';
import { Problem } from '../http/problem.js';
import { surface } from '../http/surface.js';
import { whenDone } from '../http/when-done.js';
import type { PageOrigins } from '../mcp/origins.js';
import { openEndedAnswer, usageOf } from '../usage/request-usage.js';
import { eventsOf, isBinary } from './follow.js';
import { Outgoing, outgoingMemory } from './outgoing.js';
import { answerPreflight, markAnswer, refuseForeignPage, STREAM_METHODS } from './page-headers.js';
import { catchUp, longPoll } from './read-once.js';
import { RESERVED_PREFIX, type ReservedStreams } from './reserved-streams.js';
import type { ServerStreams } from './server-streams.js';
import {
  closesStream,
  contentTypeOf,
  expiryOf,
  forkOptionsOf,
  producerOf,
  textOf,
} from './stream-headers.js';
import { STREAM_PATH, streamAt } from './stream-path.js';

const MIB = 1024 * 1024;
/** Maximum body of one append. */
const MAX_APPEND_BYTES = 10 * MIB;
/** Content in transit to readers, of all projects and of one. */
const OUTGOING_BYTES = 256 * MIB;
const PROJECT_OUTGOING_BYTES = 64 * MIB;

const PATH = `${STREAM_PATH}*`;
const NO_BODY = Buffer.alloc(0);

/** Dependencies of the routes. */
export interface StreamRouteParts {
  readonly access: ChannelAccess;
  readonly streams: ServerStreams;
  /** Each client that follows or waits takes one place. */
  readonly subscribers: ProjectPlaces;
  /** Aborts when the server stops: followers of a stream must disconnect. */
  readonly ending: AbortSignal;
  /** Asked first for names that begin with `-/`. */
  readonly reserved: ReservedStreams;
  /** The origins whose pages may read the answers. */
  readonly origins: PageOrigins;
  readonly bodies: BodyReader;
  /** How long a long poll waits, milliseconds. */
  readonly longPollMs: number;
  /** The URL of the server. */
  readonly publicUrl: () => string;
}

/** Adds the routes in a separate Fastify scope, because they accept raw bodies of every type. */
export function streamRoutes(web: FastifyInstance, parts: StreamRouteParts): void {
  const routes = new StreamRoutes(parts);
  void web.register(async (scope) => {
    scope.addHook('onRequest', async ({ method, headers }, reply) => {
      markAnswer(reply, headers.origin, parts.origins);
      if (method !== 'OPTIONS') refuseForeignPage(headers.origin, parts.origins);
    });
    scope.setErrorHandler((error, { headers }, reply) => {
      reply.header('cache-control', 'no-store');
      // Clients of the protocol treat a 409 without an expected sequence as a gap, and would resend this batch forever.
      const seq = headers['producer-seq'];
      if (seq !== undefined && isConflict(error)) reply.header('producer-expected-seq', seq);
      throw error;
    });
    scope.head(PATH, surface('channel'), (request, reply) => routes.describe(request, reply));
    scope.get(PATH, surface('channel'), (request, reply) => routes.read(request, reply));
    scope.put(PATH, surface('channel'), (request, reply) => routes.create(request, reply));
    scope.post(PATH, surface('channel'), (request, reply) => routes.append(request, reply));
    scope.delete(PATH, surface('channel'), (request, reply) => routes.remove(request, reply));
    scope.options(PATH, surface('channel'), async (_request, reply) => answerPreflight(reply));
    scope.patch(PATH, surface('channel'), () => {
      throw refused(STREAM_METHODS);
    });
  });
}

const querystring = z.object({
  offset: z.string('must be given once').min(1, 'must not be empty').optional(),
  live: z.enum(['long-poll', 'sse'], 'must be long-poll or sse').optional(),
  cursor: z.string('must be given once').optional(),
});

class StreamRoutes {
  readonly #parts: StreamRouteParts;
  readonly #outgoing = outgoingMemory(OUTGOING_BYTES, PROJECT_OUTGOING_BYTES);

  constructor(parts: StreamRouteParts) {
    this.#parts = parts;
  }

  async create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { streams, publicUrl } = this.#parts;
    const { projectId } = await this.#parts.access.enter(request, reply);
    const name = ownName(request);
    const { headers, host } = request;
    const options = {
      contentType: contentTypeOf(headers),
      expiry: expiryOf(headers, Date.now()),
      closed: closesStream(headers),
      fork: forkOptionsOf(headers, [host, new URL(publicUrl()).host]),
    };
    if (options.fork?.source.startsWith(RESERVED_PREFIX)) throw refused('GET, HEAD, POST');
    const created = await this.#withBody(projectId, request, (body) =>
      streams.store.create(projectId, name, { ...options, body }),
    );
    usageOf(request.raw)?.messages(created.messages, created.bytes);
    if (created.isNew) reply.code(201).header('location', new URL(pathOf(request), publicUrl()).href);
    if (created.isClosed) reply.header('stream-closed', 'true');
    return reply
      .header('content-type', created.contentType)
      .header('stream-next-offset', created.offset)
      .header('cache-control', 'no-store')
      .send(NO_BODY);
  }

  async append(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const caller = await this.#parts.access.enter(request, reply);
    return await this.#with(caller, request, async (source) => {
      const { headers } = request;
      const [contentType, producer, seq] = [
        contentTypeOf(headers),
        producerOf(headers),
        textOf(headers, 'stream-seq'),
      ];
      const close = closesStream(headers);
      const outcome = await this.#withBody(caller.projectId, request, (body) =>
        source.append({ body, contentType, producer, seq, close }),
      );
      usageOf(request.raw)?.messages(outcome.messages, outcome.bytes);
      if (outcome.isClosed) reply.header('stream-closed', 'true');
      if (outcome.producer !== null) {
        reply
          .header('producer-epoch', String(outcome.producer.epoch))
          .header('producer-seq', String(outcome.producer.seq));
      }
      const isNewOfProducer = producer !== null && !outcome.isDuplicate && outcome.bytes > 0;
      return reply
        .code(isNewOfProducer ? 200 : 204)
        .header('stream-next-offset', outcome.offset)
        .header('cache-control', 'no-store')
        .send();
    });
  }

  async read(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const caller = await this.#parts.access.enter(request, reply);
    const { offset, live, cursor } = parseInput(querystring, request.query);
    if (offset === undefined && live !== undefined) {
      throw new Problem('invalid_request', `live=${live} needs an offset`, {
        hint: 'offset=-1 is the beginning, offset=now the end',
      });
    }
    if (live !== undefined) holdPlace(this.#parts.subscribers, caller.projectId, request, reply);
    if (live === 'sse') return await this.#follow(caller, request, reply, offset ?? '-1', cursor);
    const wanted = { offset: offset ?? '-1', cursor, known: request.headers['if-none-match'] };
    return await this.#with(caller, request, async (source) => {
      const outgoing = this.#outgoingOf(caller, request, reply);
      const page =
        live === undefined
          ? await catchUp(source, wanted, reply, outgoing)
          : await longPoll(source, wanted, reply, outgoing, {
              signal: this.#patience(caller, request, reply),
              timeoutMs: this.#parts.longPollMs,
            });
      usageOf(request.raw)?.delivered(page.messages);
      return reply;
    });
  }

  async describe(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const caller = await this.#parts.access.enter(request, reply);
    return await this.#with(caller, request, async ({ info }) => {
      const { expiry, offset, contentType, isClosed } = info;
      if (expiry.kind === 'ttl') reply.header('stream-ttl', String(expiry.seconds));
      if (expiry.kind === 'at') reply.header('stream-expires-at', new Date(expiry.at).toISOString());
      if (isClosed) reply.header('stream-closed', 'true');
      return reply
        .header('content-type', contentType)
        .header('stream-next-offset', offset)
        .header('cache-control', 'no-store')
        .send();
    });
  }

  async remove(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { projectId } = await this.#parts.access.enter(request, reply);
    await this.#parts.streams.store.remove(projectId, ownName(request));
    return reply.code(204).header('cache-control', 'no-store').send();
  }

  async #follow(
    caller: ChannelUser,
    request: FastifyRequest,
    reply: FastifyReply,
    offset: string,
    cursor: string | undefined,
  ): Promise<FastifyReply> {
    const source = await this.#open(caller, request);
    whenDone(request.raw, reply.raw, () => source.release());
    const place = source.locate(offset);
    const usage = usageOf(request.raw);
    const events = eventsOf(source, place, {
      cursor,
      signal: this.#patience(caller, request, reply),
      outgoing: this.#outgoingOf(caller, request, reply),
      owner: caller.projectId,
      onPage: ({ messages }) => usage?.delivered(messages),
    });
    if (isBinary(source.info)) reply.header('stream-sse-data-encoding', 'base64');
    return (
      reply
        .header('content-type', 'text/event-stream')
        .header('cache-control', 'no-cache')
        .header('x-accel-buffering', 'no')
        // The shutdown waits for kept-alive connections.
        .header('connection', 'close')
        .send(Readable.from(openEndedAnswer(request.raw, events), { objectMode: false }))
    );
  }

  #outgoingOf(caller: ChannelUser, request: FastifyRequest, reply: FastifyReply): Outgoing {
    return new Outgoing({
      request: request.raw,
      response: reply.raw,
      share: this.#outgoing.share(caller.projectId),
      isAllowed: () => this.#parts.access.isStillAllowed(caller),
    });
  }

  /** Aborts when the client disconnects, the server stops, or the caller loses its right. */
  #patience(caller: ChannelUser, request: FastifyRequest, reply: FastifyReply): AbortSignal {
    const { access, ending } = this.#parts;
    const gone = new AbortController();
    const lost = lostRight(() => access.isStillAllowed(caller), gone.signal);
    const over = firstAbort(gone.signal, ending, lost);
    whenDone(request.raw, reply.raw, () => {
      gone.abort();
      over.release();
    });
    return over.signal;
  }

  async #with<T>(
    caller: ChannelUser,
    request: FastifyRequest,
    work: (source: StreamSource) => Promise<T>,
  ): Promise<T> {
    const source = await this.#open(caller, request);
    try {
      return await work(source);
    } finally {
      source.release();
    }
  }

  async #open(caller: ChannelUser, request: FastifyRequest): Promise<StreamSource> {
    const name = streamAt(request.url);
    const { reserved, streams } = this.#parts;
    if (name.startsWith(RESERVED_PREFIX))
      return await reserved.open(caller, name.slice(RESERVED_PREFIX.length), request);
    return await streams.store.open(caller.projectId, name);
  }

  async #withBody<T>(
    projectId: string,
    { raw }: FastifyRequest,
    work: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const { bodies } = this.#parts;
    const share = bodies.share(projectId);
    try {
      return await work(await bodies.bytes(raw, projectId, share, { maxBytes: MAX_APPEND_BYTES }));
    } finally {
      share.release();
    }
  }
}

/** The name of a stream in this store. @throws Problem 405 for a reserved one */
function ownName(request: FastifyRequest): string {
  const name = streamAt(request.url);
  if (name.startsWith(RESERVED_PREFIX)) throw refused('GET, HEAD, POST');
  return name;
}

function isConflict(failure: unknown): boolean {
  return failure instanceof WeirError && failure.status === 409;
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function refused(allow: string): Problem {
  return new Problem('method_not_allowed', `only ${allow} here`, { headers: { allow } });
}
