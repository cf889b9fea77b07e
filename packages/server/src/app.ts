/** The composition root: every part is made here, and only here. */

import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { bootstrap, type CreatedProject, Credentials, InstallationSettings, Projects } from '@weir/accounts';
import { defined, type Logger, pause } from '@weir/base';
import type { Wall } from '@weir/clickhouse';
import { Discard, type Entitlement, type RateLimiter, type UsageSink } from '@weir/extension';
import { INGEST_STREAM, IngestService } from '@weir/ingest';
import { isUnavailable } from '@weir/postgres';
import type { CapacityUse, QueryService } from '@weir/query';
import { type SinkRegistry, TenantStates, type UsageService, UsageTotals } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { createGate } from './admission/create-gate.js';
import { TenantGate } from './admission/tenant-gate.js';
import { adminTenantRoutes } from './admission/tenant-routes.js';
import { ServerChannels } from './channel/server-channels.js';
import { loadConfig, readEnvFile } from './config/load.js';
import { bootstrapOptions, ingestOptions } from './config/part-options.js';
import type { Config } from './config/schema.js';
import { assertUsageSinks } from './config/usage-sinks.js';
import { FeedAccess } from './feed/feed-access.js';
import { feedRoute } from './feed/feed-route.js';
import { feedGroupRoutes } from './feed/group-routes.js';
import { ServerFeed } from './feed/server-feed.js';
import { FeedSockets } from './feed/socket/feed-sockets.js';
import { feedSocketRoutes } from './feed/socket-route.js';
import { Authorizer } from './http/authorize.js';
import { createBodies } from './http/body/create-bodies.js';
import { ConnectionLimit } from './http/connection-limit.js';
import { CrossOrigin, OriginList } from './http/cors.js';
import { HostGuard } from './http/host-guard.js';
import { assertPortFree } from './http/port-free.js';
import { remoteAddress } from './http/remote-address.js';
import { createWeb } from './http/web.js';
import { dlqRoutes } from './ingest/dead-letter-routes.js';
import { IngestEndpoint } from './ingest/endpoint.js';
import { KillSwitch } from './ingest/kill-switch.js';
import { adminIngestRoutes } from './ingest/kill-switch-routes.js';
import { receiptRoutes } from './ingest/receipt-routes.js';
import { createLogger } from './logger.js';
import { PageOrigins } from './mcp/origins.js';
import { mcpRoutes } from './mcp/routes.js';
import { Health } from './operations/health.js';
import { healthRoutes } from './operations/health-routes.js';
import { LogWatch } from './operations/log-watch.js';
import { Metrics } from './operations/metrics.js';
import { metricsRoute } from './operations/metrics-route.js';
import {
  CREDENTIALS_FILE,
  draftCredentials,
  dropDraft,
  type FirstProject,
  updateCredentialsUrl,
  writeCredentials,
} from './projects/first-start.js';
import { adminProjectRoutes } from './projects/project-routes.js';
import { whoamiRoute } from './projects/whoami-route.js';
import { AnalysisAccess } from './query/access.js';
import { AnswerDelivery } from './query/answer-delivery.js';
import { AnswerSpool } from './query/answer-spool.js';
import { queryRoute } from './query/query-route.js';
import { queryService } from './query/query-service.js';
import { schemaRoute } from './query/schema-route.js';
import { openStores, type Stores } from './stores.js';
import { openUsage } from './usage/open-usage.js';
import { usageRoutes } from './usage/usage-routes.js';
import { VERSION } from './version.js';

/** What {@link createApp} takes; every part has a default. See docs/extending.md. */
export interface AppOptions {
  /** Settings; default from the environment and `.env` in the working directory. */
  readonly config?: Config;
  /** May this project analyse now? Default: always. */
  readonly entitlement?: Entitlement;
  /** May this request proceed now? Default: always. */
  readonly rateLimiter?: RateLimiter;
  /** Told of every batch that is durable in ClickHouse. Default: nobody is. */
  readonly usageSink?: UsageSink;
  /** Sinks of usage records besides those Weir has; `WEIR_USAGE_SINKS` says which are used. Default: none. */
  readonly sinks?: SinkRegistry;
  /** Where a person can pay, an http(s) URL; named in every 402. Default: nowhere. */
  readonly upgradeUrl?: string;
  /** Default: one JSON line each on standard output, from `WEIR_LOG_LEVEL` up. */
  readonly logger?: Logger;
  /** Shown in health and metrics; default Weir's own. */
  readonly version?: string;
}

/** A server, made and not yet listening. */
export interface App {
  /** Starts the pipeline and listens. Resolves with the server's URL. */
  listen(): Promise<string>;
  /** The server's URL while it listens, else null. */
  readonly address: string | null;
  /** What the first start made, for a terminal to show once; null where the installation was there already. */
  readonly firstProject: Promise<FirstProject | null>;
  /** Resolves with the error that makes going on impossible, such as data newer than this code. */
  readonly failure: Promise<Error>;
  /** Stops in phases: draining, requests in flight, the pipeline, the stores. Safe to call twice. */
  close(): Promise<void>;
}

/** Longest time requests in flight may take once the server stops listening. */
const IN_FLIGHT_GRACE_MS = 10_000;
const BOOTSTRAP_RETRY_MS = 500;

/**
 * Makes a server.
 *
 * ```ts
 * const app = await createApp();
 * console.log(await app.listen());
 * ```
 * @throws ConfigError for settings that cannot be used; an error with the code `EADDRINUSE`, `EADDRNOTAVAIL` or `EACCES`
 * for an address that is taken or cannot be listened on; LogError `locked` where another server has the data directory
 */
export function createApp(options: AppOptions = {}): Promise<App> {
  return makeApp(options, []);
}

/** What keeps projects apart, see docs/isolation.md. */
export type AppWall = 'gate' | Wall;

/** {@link createApp} with walls left out, for tests that prove one wall at a time. */
export async function makeApp(options: AppOptions, without: readonly AppWall[]): Promise<App> {
  const config = options.config ?? loadConfig({ ...readEnvFile('.env'), ...process.env }).config;
  assertUsageSinks(config, options.sinks);
  await assertPortFree(config);
  const logger = options.logger ?? createLogger(config.WEIR_LOG_LEVEL);
  const engineWalls = without.filter((wall) => wall !== 'gate');
  const stores = await openStores(config, logger, engineWalls);
  let usage: UsageService | null = null;
  try {
    usage = await openUsage(config, logger, stores, options.sinks);
    return new Server(config, logger, options, stores, usage, without.includes('gate'));
  } catch (error) {
    await usage?.close();
    await stores.close();
    throw error;
  }
}

class Server implements App {
  readonly firstProject: Promise<FirstProject | null>;
  readonly failure: Promise<Error>;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #stores: Stores;
  readonly #credentials: Credentials;
  readonly #settings: InstallationSettings;
  readonly #tenants: TenantStates;
  readonly #ingest: IngestService;
  readonly #killSwitch: KillSwitch;
  readonly #usage: UsageService | null;
  readonly #feed: ServerFeed;
  readonly #channels: ServerChannels;
  readonly #logWatch: LogWatch;
  readonly #web: FastifyInstance;
  #address: string | null = null;
  #listening: Promise<string> | null = null;
  #closing: Promise<void> | null = null;
  #isMakingFirst = false;
  #resolveFirst: (first: FirstProject | null) => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor(
    config: Config,
    logger: Logger,
    options: AppOptions,
    stores: Stores,
    usage: UsageService | null,
    hasNoGate: boolean,
  ) {
    const { log, clickhouse, postgres } = stores;
    this.#config = config;
    this.#logger = logger;
    this.#stores = stores;
    this.#usage = usage;
    this.firstProject = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
    const failed = new Promise<Error>((resolve) => {
      this.#fail = resolve;
    });
    this.failure = Promise.race([stores.failure, failed]);

    const dataDir = config.WEIR_DATA_DIR;
    this.#credentials = new Credentials({
      postgres,
      dataDir,
      logger,
      tokenStaleMs: config.WEIR_TOKEN_STALE,
      ...defined({ operatorKey: config.WEIR_OPERATOR_KEY }),
    });
    this.#settings = new InstallationSettings({ postgres, dataDir, logger });
    this.#feed = new ServerFeed(config, stores, logger, () => this.#ingest);
    this.#tenants = new TenantStates({ postgres, dataDir, logger });
    this.#logWatch = new LogWatch({ events: log, feed: stores.feedLog, channels: stores.channelLog }, logger);
    const tenants = this.#tenants.table;
    this.#channels = new ServerChannels({ config, stores, feed: this.#feed, tenants, logger });
    const metrics = new Metrics();
    this.#ingest = new IngestService(
      {
        log,
        clickhouse,
        postgres,
        logger,
        onFlushed: (events, milliseconds) => metrics.flushed(events, milliseconds / 1000),
        lookupIngestToken: async (plaintext) =>
          (await this.#credentials.lookupIngestToken(plaintext))?.projectId ?? null,
      },
      { ...ingestOptions(config, options.usageSink ?? new Discard()), heldAfter: () => this.#feed.position },
    );
    const killSwitch = new KillSwitch({
      settings: this.#settings,
      flags: this.#ingest.flags,
      logger,
      startsDisabled: config.WEIR_INGEST_DISABLED,
    });
    this.#killSwitch = killSwitch;
    const addressOf = remoteAddress(config.WEIR_TRUST_PROXY);
    const upgradeUrl = options.upgradeUrl ?? null;
    const admission = createGate(config, {
      tenants,
      rateLimiter: options.rateLimiter,
      entitlement: options.entitlement,
      isDraining: () => this.#ingest.flags.draining,
      logger,
      onSeamFailure: (seam) => metrics.seamFailed(seam),
    });
    const gate = new TenantGate(admission, addressOf, upgradeUrl);
    const connections = new ConnectionLimit(config.WEIR_MAX_CONNECTIONS_PER_ADDRESS, () =>
      metrics.refusedConnection(),
    );
    const bodies = createBodies(config, { connections, addressOf, metrics });
    const pages = new OriginList(config.WEIR_ALLOWED_ORIGINS);
    const ingestPages = (methods: string) =>
      new CrossOrigin((origin) => pages.allows(origin), { methods, credentials: true });
    const analysisPages = (methods: string) =>
      new CrossOrigin((origin) => pages.names(origin), { methods, exposed: ['content-disposition'] });
    const endpoint = new IngestEndpoint({
      service: this.#ingest,
      credentials: this.#credentials,
      gate,
      origins: ingestPages('POST, OPTIONS'),
      logger,
      maxBodyBytes: config.WEIR_INGEST_MAX_BODY_BYTES,
      bodies,
      metrics,
    });
    const health = new Health({
      version: options.version ?? VERSION,
      log,
      clickhouse,
      isMigrated: () => stores.isMigrated(),
      postgres,
      ingest: this.#ingest,
      usage,
      knowsCredentials: () => this.#credentials.size > 0,
      isMakingFirst: () => this.#isMakingFirst,
      dlqDepthThreshold: config.WEIR_DLQ_DEPTH_503_THRESHOLD,
    });
    const authorizer = new Authorizer(this.#credentials);
    const access = new AnalysisAccess(authorizer, gate);
    const publicUrl = () => this.#address ?? config.WEIR_PUBLIC_URL ?? 'http://127.0.0.1';
    const origins = new PageOrigins(publicUrl);
    const credentials = this.#credentials;
    const feedAccess = new FeedAccess({ authorizer, credentials, gate, tenants, origins });
    const sockets = new FeedSockets({ access: feedAccess, feed: this.#feed, metrics, logger });
    const query = queryService(config, stores, hasNoGate);
    const spool = new AnswerSpool(dataDir, {
      bytes: config.WEIR_QUERY_SPOOL_BYTES,
      projectBytes: config.WEIR_QUERY_SPOOL_BYTES_EACH,
    });
    observe(metrics, stores, this.#ingest, usage, this.#feed, this.#channels, query, spool);
    const delivery = new AnswerDelivery({ spool, stallMs: config.WEIR_QUERY_STALL_TIMEOUT, metrics, logger });
    const hasTotals = usage !== null && config.WEIR_USAGE_SINKS.includes('rollup');
    const hosts = new HostGuard({
      publicUrl: config.WEIR_PUBLIC_URL,
      listening: config.WEIR_HOST,
      allowed: config.WEIR_ALLOWED_HOSTS,
    });
    this.#web = createWeb({ front: endpoint, connections, hosts, logger, metrics, usage }, (web) => {
      healthRoutes(web, health);
      metricsRoute(web, metrics, config.WEIR_METRICS_TOKEN, addressOf);
      receiptRoutes(web, authorizer, gate, this.#ingest, ingestPages('GET, OPTIONS'));
      const maxTextBytes = config.WEIR_QUERY_MAX_BODY_BYTES;
      const crossOrigin = analysisPages('POST, OPTIONS');
      queryRoute(web, { access, query, delivery, metrics, bodies, maxTextBytes, crossOrigin });
      schemaRoute(web, access, query, analysisPages('GET, OPTIONS'));
      feedRoute(web, feedAccess, this.#feed, sockets);
      feedSocketRoutes(web, feedAccess, sockets);
      feedGroupRoutes(web, authorizer, gate, feedAccess, bodies, this.#feed);
      const entry = { authorizer, credentials, gate, tenants, origins };
      this.#channels.addRoutes(web, { ...entry, bodies, metrics, publicUrl });
      whoamiRoute(web, authorizer);
      mcpRoutes(web, {
        credentials: this.#credentials,
        gate,
        upgradeUrl,
        query,
        logger,
        publicUrl,
        bodies,
        maxSqlBytes: config.WEIR_QUERY_MAX_BODY_BYTES,
        allowedOrigins: pages.named,
      });
      dlqRoutes(web, authorizer, gate, bodies, this.#ingest.deadLetters);
      adminProjectRoutes(web, authorizer, bodies, new Projects(postgres, this.#credentials));
      adminIngestRoutes(web, authorizer, bodies, killSwitch);
      adminTenantRoutes(web, authorizer, bodies, this.#tenants, this.#channels.limits.payloadBytes);
      usageRoutes(web, authorizer, this.#tenants, hasTotals ? new UsageTotals(postgres) : null);
    });
  }

  get address(): string | null {
    return this.#address;
  }

  listen(): Promise<string> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #listen(): Promise<string> {
    const {
      WEIR_HOST: host,
      WEIR_PORT: port,
      WEIR_PUBLIC_URL: publicUrl,
      WEIR_DATA_DIR: dataDir,
    } = this.#config;
    this.#credentials.start();
    // Without any credential this may be a first start: then nothing can be sent before it has made some.
    this.#isMakingFirst = this.#credentials.size === 0;
    this.#settings.start();
    this.#tenants.start();
    await this.#feed.start();
    await this.#channels.start();
    await this.#ingest.start();
    await this.#usage?.start();
    await this.#web.listen({ host, port });
    // The cast holds: a TCP server's address is an object.
    const bound = this.#web.server.address() as AddressInfo;
    const url = publicUrl ?? urlOf(bound);
    this.#address = url;
    await updateCredentialsUrl(dataDir, url);
    void this.#bootstrap(url);
    this.#logger.info({ url }, 'listening');
    return url;
  }

  async #bootstrap(url: string): Promise<void> {
    const { WEIR_DATA_DIR: dataDir, WEIR_BOOTSTRAP: isOn } = this.#config;
    try {
      const draft = isOn === 'on' ? await draftCredentials(dataDir, url) : null;
      const created = await this.#createFirst(draft);
      const first = created === null ? await this.#madeBefore(draft) : { ...firstOf(created), url };
      if (first === null) {
        await dropDraft(dataDir);
      } else {
        await writeCredentials(dataDir, first);
        const file = join(dataDir, CREDENTIALS_FILE);
        const { project } = first;
        this.#logger.info({ project, file }, 'made the first project; its credentials are in the file');
      }
      this.#isMakingFirst = false;
      this.#resolveFirst(first);
    } catch (error) {
      if (this.#closing === null && error instanceof Error) this.#fail(error);
      this.#resolveFirst(null);
    }
  }

  /** Makes the first project, once PostgreSQL takes it. */
  async #createFirst(draft: FirstProject | null): Promise<CreatedProject | null> {
    const first =
      draft === null ? {} : { first: { id: draft.project, ingestToken: draft.token, apiKey: draft.key } };
    const { postgres } = this.#stores;
    await postgres.ready;
    for (;;) {
      try {
        return await bootstrap(postgres, this.#credentials, { ...bootstrapOptions(this.#config), ...first });
      } catch (error) {
        if (!isUnavailable(error) || this.#closing !== null) throw error;
        await pause(BOOTSTRAP_RETRY_MS);
      }
    }
  }

  /** The draft, where it is of a project that was made by a start that did not live to say so. */
  async #madeBefore(draft: FirstProject | null): Promise<FirstProject | null> {
    if (draft === null) return null;
    const found = await this.#credentials.lookupApiKey(draft.key);
    return found?.projectId === draft.project ? draft : null;
  }

  /** The phases of ingest's shutdown, see docs/architecture.md. */
  async #close(): Promise<void> {
    this.#logger.info({}, 'shutting down');
    this.#ingest.flags.setDraining(true);
    this.#killSwitch.close();
    await this.#listening?.catch(() => {});
    const force = setTimeout(() => this.#web.server.closeAllConnections(), IN_FLIGHT_GRACE_MS);
    // Those who follow it would hold the server up; they come back to another, or this one's next start.
    this.#feed.end();
    this.#logWatch.close();
    const parts = [
      () => this.#web.close(),
      () => this.#ingest.shutdown(),
      async () => await this.#usage?.close(),
      ...this.#channels.closers,
      () => this.#feed.close(),
      () => this.#settings.close(),
      () => this.#tenants.close(),
      () => this.#credentials.close(),
      () => this.#stores.close(),
    ];
    for (const close of parts) {
      // Each has to have its turn, whatever becomes of the one before.
      await close().catch((error: unknown) =>
        this.#logger.error({ err: error }, 'a part did not close cleanly'),
      );
    }
    clearTimeout(force);
    this.#address = null;
    this.#resolveFirst(null);
    this.#logger.info({}, 'stopped');
  }
}

function firstOf({
  id: project,
  ingestToken: token,
  apiKey: key,
}: CreatedProject): Omit<FirstProject, 'url'> {
  return { project, token, key };
}

function observe(
  metrics: Metrics,
  { log, channelLog, engine, queries }: Stores,
  ingest: IngestService,
  usage: UsageService | null,
  { feed, followers, subscriptions }: ServerFeed,
  { processes, subscribers }: ServerChannels,
  query: () => QueryService,
  spool: AnswerSpool,
): void {
  const queryUse = (): CapacityUse => (queries === null ? { running: 0, waiting: 0 } : query().use);
  metrics.observe({
    pendingEvents: () => ingest.status.pendingEvents,
    pendingBytes: () => ingest.status.pendingBytes,
    dlqDepth: () => ingest.flags.dlqDepth,
    quarantined: () => ingest.status.quarantined,
    logBytes: async () => (await log.size()).bytes,
    quotaRefusals: async () => ({
      log: (await log.size()).quotaRefusals,
      channels: (await channelLog.size()).quotaRefusals,
    }),
    flushLag: async () => (await log.stats(INGEST_STREAM)).last - ingest.status.flushedOffset,
    engineRestarts: () => engine?.health().restarts ?? 0,
    dedupIds: () => ingest.status.dedupIds,
    usageSinks: async () => (await usage?.status())?.sinks ?? [],
    usageLost: async () => (await usage?.status())?.lost ?? 0,
    feedSubscribers: () => feed.followers,
    channelSubscribers: () => processes.router.subscribers,
    places: [followers, subscriptions, subscribers],
    queriesRunning: () => queryUse().running,
    queriesWaiting: () => queryUse().waiting,
    answersOpen: () => spool.answers,
    spoolBytes: () => spool.bytes,
  });
}

/** Where clients on this machine reach a server. All addresses (`0.0.0.0`, `::`) is none that a client can connect to. */
function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
