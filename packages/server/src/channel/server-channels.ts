import type { Logger } from '@weir/base';
import { type ProcessLimits, Router } from '@weir/channel';
import { Processes } from '@weir/channel/process';
import type { TenantTable } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { ProjectPlaces } from '../admission/project-places.js';
import type { Config } from '../config/schema.js';
import type { ServerFeed } from '../feed/server-feed.js';
import type { BodyReader } from '../http/body/body-reader.js';
import type { Metrics } from '../operations/metrics.js';
import { processRoutes } from '../process/process-routes.js';
import { ProcessSource } from '../process/process-source.js';
import type { Stores } from '../stores.js';
import { ChannelStreams } from '../stream/channel-streams.js';
import { ServerStreams } from '../stream/server-streams.js';
import { streamRoutes } from '../stream/stream-routes.js';
import { ChannelAccess, type ChannelAccessParts } from './channel-access.js';
import { appendBodyBytes, appendFrameBytes, installationLimits, projectLimits } from './channel-limits.js';
import { channelRoutes } from './channel-routes.js';
import { ChannelSockets } from './socket/channel-sockets.js';

/** Dependencies of {@link ServerChannels}. */
export interface ServerChannelsParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly feed: ServerFeed;
  /** The host's limits of projects. */
  readonly tenants: TenantTable;
  readonly logger: Logger;
}

/** Further dependencies of its routes. */
export interface ServerChannelsRoutesParts extends ChannelAccessParts {
  readonly bodies: BodyReader;
  readonly metrics: Metrics;
  /** The URL of this server; streams are named by it. */
  readonly publicUrl: () => string;
}

/** The processes, channels and streams of a server, with one lifetime. */
export class ServerChannels {
  readonly processes: Processes;
  /** Limits of projects without limits of their own. */
  readonly limits: ProcessLimits;
  /** Places of subscribers of channels and streams. */
  readonly subscribers: ProjectPlaces;
  readonly #config: Config;
  readonly #feed: ServerFeed;
  readonly #logger: Logger;
  readonly #streams: ServerStreams;
  readonly #source: ProcessSource;

  constructor({ config, stores, feed, tenants, logger }: ServerChannelsParts) {
    const { postgres, channelLog: log } = stores;
    const limits = installationLimits(config);
    this.limits = limits;
    this.subscribers = new ProjectPlaces({
      name: 'channel_subscribers',
      limit: config.WEIR_CHANNEL_MAX_SUBSCRIBERS,
      what: 'subscribers of its channels and streams',
      hint: 'close connections and long polls that are no longer read',
    });
    this.#config = config;
    this.#feed = feed;
    this.#logger = logger;
    this.#streams = new ServerStreams(log, logger);
    this.processes = new Processes({
      postgres,
      router: new Router({ log, limits, rateLimit: limits.rateLimit }),
      retentionMs: config.WEIR_CHANNEL_RETENTION,
      limitsOf: (projectId) => projectLimits(limits, tenants.states.get(projectId)),
      logger,
    });
    this.#source = new ProcessSource(this.processes.outbox, feed.feed, logger);
  }

  /** Adds the routes of processes, channels and streams. */
  addRoutes(web: FastifyInstance, parts: ServerChannelsRoutesParts): void {
    const { authorizer, gate, bodies, origins, metrics, publicUrl } = parts;
    const { processes, limits, subscribers } = this;
    const { ending } = this.#feed;
    const access = new ChannelAccess(parts);
    const maxFrameBytes = appendFrameBytes(limits);
    const logger = this.#logger;
    const sockets = new ChannelSockets({
      access,
      processes,
      subscribers,
      metrics,
      logger,
      ending,
      maxFrameBytes,
    });
    channelRoutes(web, {
      access,
      processes,
      subscribers,
      sockets,
      ending,
      bodies,
      maxBodyBytes: appendBodyBytes(limits),
    });
    processRoutes(web, { authorizer, gate, bodies, processes, ending });
    streamRoutes(web, {
      access,
      streams: this.#streams,
      subscribers,
      ending,
      reserved: new ChannelStreams(processes),
      origins,
      bodies,
      longPollMs: this.#config.WEIR_STREAM_LONG_POLL,
      publicUrl,
    });
  }

  async start(): Promise<void> {
    await this.#streams.start();
    this.processes.start();
    this.#source.start();
  }

  /** The steps of the shutdown, in this order; each runs even if the previous one failed. */
  get closers(): readonly (() => Promise<void>)[] {
    return [
      () => this.processes.close(),
      () => this.processes.router.close(),
      () => this.#streams.close(),
      () => this.#source.close(),
    ];
  }
}
