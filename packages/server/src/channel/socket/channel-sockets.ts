import type { Logger } from '@weir/base';
import type { Processes } from '@weir/channel/process';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ProjectPlaces } from '../../admission/project-places.js';
import { lostRight } from '../../feed/right-watch.js';
import { parseInput } from '../../http/parse.js';
import { SocketAcceptor } from '../../http/socket/accept-socket.js';
import { Brake } from '../../http/socket/brake.js';
import { Outbox } from '../../http/socket/outbox.js';
import type { Metrics } from '../../operations/metrics.js';
import { becameSocket, stackOf, usageOf } from '../../usage/request-usage.js';
import type { ChannelAccess } from '../channel-access.js';
import { AppendWindow } from './append-window.js';
import { ChannelSocket } from './channel-socket.js';

/** Dependencies of {@link ChannelSockets}. */
export interface ChannelSocketsParts {
  readonly access: ChannelAccess;
  readonly processes: Processes;
  /** Each reading takes one place. */
  readonly subscribers: ProjectPlaces;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Aborts when the server stops. */
  readonly ending: AbortSignal;
  /** Maximum frame of a client, bytes. */
  readonly maxFrameBytes: number;
}

const querystring = z.strictObject({});
const SWITCHING_PROTOCOLS = 101;

/** Serves channels over WebSockets. Each connection has a usage record, a place of the tenant and a log line. */
export class ChannelSockets {
  readonly #parts: ChannelSocketsParts;
  readonly #acceptor: SocketAcceptor;

  constructor(parts: ChannelSocketsParts) {
    this.#parts = parts;
    this.#acceptor = new SocketAcceptor(parts.maxFrameBytes);
  }

  /**
   * Serves a WebSocket request until the connection ends.
   * @throws Problem if the request is refused
   */
  async serve(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access, processes, subscribers, metrics, logger, ending } = this.#parts;
    const { raw, id: rid } = request;
    const route = request.routeOptions.url ?? '';
    const usage = usageOf(raw);
    usage?.route('ws', stackOf('channel', raw, route));
    parseInput(querystring, request.query);
    const user = await access.enter(request, reply);
    await usage?.open();
    reply.hijack();
    const begun = performance.now();
    const socket = await this.#acceptor.accept(raw);
    if (socket === null) return;
    becameSocket(raw);
    const over = new AbortController();
    const brake = new Brake(socket);
    const isAllowed = async () => {
      void channels.recheck();
      return await access.isStillAllowed(user);
    };
    const channels = new ChannelSocket(socket, {
      user,
      processes,
      subscribers,
      usage,
      stream: raw.socket,
      brake,
      outbox: new Outbox(socket, raw.socket, brake),
      window: new AppendWindow(brake),
      ending,
      lost: lostRight(isAllowed, over.signal),
      onFailure: (err) => logger.error({ err, rid }, 'a frame failed'),
    });
    await channels.run();
    over.abort();
    metrics.request('channel', route, SWITCHING_PROTOCOLS, '');
    const ms = Math.round(performance.now() - begun);
    logger.debug({ rid, method: raw.method, route, status: SWITCHING_PROTOCOLS, ms }, 'request');
  }
}
