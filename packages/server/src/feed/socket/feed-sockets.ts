import type { Logger } from '@weir/base';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { holdPlace } from '../../http/hold-place.js';
import { parseInput } from '../../http/parse.js';
import { SocketAcceptor } from '../../http/socket/accept-socket.js';
import { Brake } from '../../http/socket/brake.js';
import { Outbox } from '../../http/socket/outbox.js';
import type { Metrics } from '../../operations/metrics.js';
import { becameSocket, stackOf, usageOf } from '../../usage/request-usage.js';
import type { FeedAccess } from '../feed-access.js';
import { lostRight } from '../right-watch.js';
import type { ServerFeed } from '../server-feed.js';
import { FeedSocket } from './feed-socket.js';

/** Dependencies of {@link FeedSockets}. */
export interface FeedSocketsParts {
  readonly access: FeedAccess;
  readonly feed: ServerFeed;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const querystring = z.strictObject({ ticket: z.string().optional() });
const SWITCHING_PROTOCOLS = 101;
/** Maximum frame of a client, bytes, because it is parsed in one turn of the event loop. */
const MAX_FRAME = 128 * 1024;

/** Serves the feed over WebSockets. Each connection has a usage record, a place of the tenant and a log line. */
export class FeedSockets {
  readonly #parts: FeedSocketsParts;
  readonly #acceptor = new SocketAcceptor(MAX_FRAME);

  constructor(parts: FeedSocketsParts) {
    this.#parts = parts;
  }

  /**
   * Serves a WebSocket request until the connection ends.
   * @param projectId the requested project; null for that of the API key
   * @throws Problem if the request is refused
   */
  async serve(request: FastifyRequest, reply: FastifyReply, projectId: string | null): Promise<void> {
    const { access, feed, metrics, logger } = this.#parts;
    const { raw, id: rid } = request;
    const route = request.routeOptions.url ?? '';
    const usage = usageOf(raw);
    usage?.route('ws', stackOf('feed', raw, route));
    parseInput(querystring, request.query);
    const caller = await access.enter(request, reply, projectId);
    holdPlace(feed.followers, caller.projectId, request, reply);
    await usage?.open();
    reply.hijack();
    const begun = performance.now();
    const socket = await this.#acceptor.accept(raw);
    if (socket === null) return;
    becameSocket(raw);
    const over = new AbortController();
    const brake = new Brake(socket);
    await new FeedSocket(socket, {
      caller,
      stream: raw.socket,
      brake,
      feed,
      access,
      usage,
      outbox: new Outbox(socket, raw.socket, brake),
      ending: feed.ending,
      lost: lostRight(() => access.isStillAllowed(caller), over.signal),
      onFailure: (err) => logger.error({ err, rid }, 'a frame failed'),
    }).run();
    over.abort();
    metrics.request('feed', route, SWITCHING_PROTOCOLS, '');
    const ms = Math.round(performance.now() - begun);
    logger.debug({ rid, method: raw.method, route, status: SWITCHING_PROTOCOLS, ms }, 'request');
  }
}
