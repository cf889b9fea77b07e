/** Composes everything that answers requests: admission, the routes of all features, and the metrics. */
import { type Credentials, Projects } from '@weir/accounts';
import type { Logger } from '@weir/base';
import { INGEST_STREAM, type IngestService } from '@weir/ingest';
import type { CapacityUse, QueryService } from '@weir/query';
import { type TenantStates, type UsageService, UsageTotals } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import { createGate } from './admission/create-gate.js';
import { TenantGate } from './admission/tenant-gate.js';
import { adminTenantRoutes } from './admission/tenant-routes.js';
import type { AppOptions } from './app-options.js';
import type { ServerChannels } from './channel/server-channels.js';
import type { Config } from './config/schema.js';
import { FeedAccess } from './feed/feed-access.js';
import { feedRoute } from './feed/feed-route.js';
import { feedGroupRoutes } from './feed/group-routes.js';
import type { ServerFeed } from './feed/server-feed.js';
import { FeedSockets } from './feed/socket/feed-sockets.js';
import { feedSocketRoutes } from './feed/socket-route.js';
import { Authorizer } from './http/authorize.js';
import { createBodies } from './http/body/create-bodies.js';
import { ConnectionLimit } from './http/connection-limit.js';
import { CrossOrigin, OriginList } from './http/cors.js';
import { HostGuard } from './http/host-guard.js';
import { remoteAddress } from './http/remote-address.js';
import { createWeb } from './http/web.js';
import { dlqRoutes } from './ingest/dead-letter-routes.js';
import { IngestEndpoint } from './ingest/endpoint.js';
import type { KillSwitch } from './ingest/kill-switch.js';
import { adminIngestRoutes } from './ingest/kill-switch-routes.js';
import { receiptRoutes } from './ingest/receipt-routes.js';
import { PageOrigins } from './mcp/origins.js';
import { mcpRoutes } from './mcp/routes.js';
import { Health } from './operations/health.js';
import { healthRoutes } from './operations/health-routes.js';
import type { Metrics } from './operations/metrics.js';
import { metricsRoute } from './operations/metrics-route.js';
import type { Partition } from './partition.js';
import { adminProjectRoutes } from './projects/project-routes.js';
import { whoamiRoute } from './projects/whoami-route.js';
import { AnalysisAccess } from './query/access.js';
import { AnswerDelivery } from './query/answer-delivery.js';
import { AnswerSpool } from './query/answer-spool.js';
import { queryRoute } from './query/query-route.js';
import { queryService } from './query/query-service.js';
import { schemaRoute } from './query/schema-route.js';
import type { Stores } from './stores.js';
import { usageRoutes } from './usage/usage-routes.js';
import { VERSION } from './version.js';

/** Dependencies of {@link composeWeb}. */
export interface WebComposition {
  readonly config: Config;
  readonly options: AppOptions;
  readonly stores: Stores;
  readonly partition: Partition;
  readonly credentials: Credentials;
  readonly tenants: TenantStates;
  readonly killSwitch: KillSwitch;
  readonly metrics: Metrics;
  /** Null if usage is switched off. */
  readonly usage: UsageService | null;
  readonly logger: Logger;
  /** For tests that prove the other walls. */
  readonly hasNoGate: boolean;
  /** Whether the first project is being created. */
  readonly isMakingFirst: () => boolean;
  /** The URL while the server listens. */
  readonly address: () => string | null;
}

/** Creates the web application with all routes. */
export function composeWeb(parts: WebComposition): FastifyInstance {
  const { config, options, stores, partition, credentials, tenants, killSwitch, metrics, usage, logger } =
    parts;
  const { log, clickhouse, postgres } = stores;
  const { ingest, feed, channels } = partition;
  const { table } = tenants;
  const addressOf = remoteAddress(config.WEIR_TRUST_PROXY);
  const upgradeUrl = options.upgradeUrl ?? null;
  const admission = createGate(config, {
    tenants: table,
    rateLimiter: options.rateLimiter,
    entitlement: options.entitlement,
    isDraining: () => ingest.flags.draining,
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
    service: ingest,
    credentials,
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
    ingest,
    usage,
    knowsCredentials: () => credentials.size > 0,
    isMakingFirst: parts.isMakingFirst,
    dlqDepthThreshold: config.WEIR_DLQ_DEPTH_503_THRESHOLD,
  });
  const authorizer = new Authorizer(credentials);
  const access = new AnalysisAccess(authorizer, gate);
  const publicUrl = () => parts.address() ?? config.WEIR_PUBLIC_URL ?? 'http://127.0.0.1';
  const origins = new PageOrigins(publicUrl);
  const feedAccess = new FeedAccess({ authorizer, credentials, gate, tenants: table, origins });
  const sockets = new FeedSockets({ access: feedAccess, feed, metrics, logger });
  const query = queryService(config, stores, parts.hasNoGate);
  const spool = new AnswerSpool(config.WEIR_DATA_DIR, {
    bytes: config.WEIR_QUERY_SPOOL_BYTES,
    projectBytes: config.WEIR_QUERY_SPOOL_BYTES_EACH,
  });
  observe(metrics, stores, ingest, usage, feed, channels, query, spool);
  const delivery = new AnswerDelivery({ spool, stallMs: config.WEIR_QUERY_STALL_TIMEOUT, metrics, logger });
  const hasTotals = usage !== null && config.WEIR_USAGE_SINKS.includes('rollup');
  const hosts = new HostGuard({
    publicUrl: config.WEIR_PUBLIC_URL,
    listening: config.WEIR_HOST,
    allowed: config.WEIR_ALLOWED_HOSTS,
  });
  return createWeb({ front: endpoint, connections, hosts, logger, metrics, usage }, (web) => {
    healthRoutes(web, health);
    metricsRoute(web, metrics, config.WEIR_METRICS_TOKEN, addressOf);
    receiptRoutes(web, authorizer, gate, ingest, ingestPages('GET, OPTIONS'));
    const maxTextBytes = config.WEIR_QUERY_MAX_BODY_BYTES;
    const crossOrigin = analysisPages('POST, OPTIONS');
    queryRoute(web, { access, query, delivery, metrics, bodies, maxTextBytes, crossOrigin });
    schemaRoute(web, access, query, analysisPages('GET, OPTIONS'));
    feedRoute(web, feedAccess, feed, sockets);
    feedSocketRoutes(web, feedAccess, sockets);
    feedGroupRoutes(web, authorizer, gate, feedAccess, bodies, feed);
    const entry = { authorizer, credentials, gate, tenants: table, origins };
    channels.addRoutes(web, { ...entry, bodies, metrics, publicUrl });
    whoamiRoute(web, authorizer);
    mcpRoutes(web, {
      credentials,
      gate,
      upgradeUrl,
      query,
      logger,
      publicUrl,
      bodies,
      maxSqlBytes: config.WEIR_QUERY_MAX_BODY_BYTES,
      allowedOrigins: pages.named,
    });
    dlqRoutes(web, authorizer, gate, bodies, ingest.deadLetters);
    adminProjectRoutes(web, authorizer, bodies, new Projects(postgres, credentials));
    adminIngestRoutes(web, authorizer, bodies, killSwitch);
    adminTenantRoutes(web, authorizer, bodies, tenants, channels.limits.payloadBytes);
    usageRoutes(web, authorizer, tenants, hasTotals ? new UsageTotals(postgres) : null);
  });
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
