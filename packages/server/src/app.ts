/** The composition root: creates, starts and stops the parts of a server. */
import type { AddressInfo } from 'node:net';
import { Credentials, InstallationSettings } from '@weir/accounts';
import { defined, type Logger } from '@weir/base';
import type { Wall } from '@weir/clickhouse';
import { TenantStates, type UsageService } from '@weir/usage';
import type { FastifyInstance } from 'fastify';
import type { AppOptions } from './app-options.js';
import { composeWeb } from './compose-web.js';
import { loadConfig, readEnvFile } from './config/load.js';
import type { Config } from './config/schema.js';
import { assertUsageSinks } from './config/usage-sinks.js';
import { assertPortFree } from './http/port-free.js';
import { KillSwitch } from './ingest/kill-switch.js';
import { createLogger } from './logger.js';
import { Metrics } from './operations/metrics.js';
import { Partition } from './partition.js';
import { makeFirstProject } from './projects/first-project.js';
import { type FirstProject, updateCredentialsUrl } from './projects/first-start.js';
import { openStores, type Stores } from './stores.js';
import { openUsage } from './usage/open-usage.js';

/** A server; it listens after {@link App.listen}. */
export interface App {
  /** Starts the pipeline and listens. Resolves with the URL of the server. */
  listen(): Promise<string>;
  /** The URL while the server listens; otherwise null. */
  readonly address: string | null;
  /** The project that the first start created, to show once on a terminal; null if the installation existed. */
  readonly firstProject: Promise<FirstProject | null>;
  /** Resolves with an error that the server cannot recover from, such as data newer than this code. */
  readonly failure: Promise<Error>;
  /** Stops in phases: draining, requests in flight, the pipeline, the stores. Idempotent. */
  close(): Promise<void>;
}

/** Maximum time for requests in flight after the server stops listening. */
const IN_FLIGHT_GRACE_MS = 10_000;

/**
 * Creates a server.
 *
 * ```ts
 * const app = await createApp(); console.log(await app.listen());
 * ```
 * @throws ConfigError for invalid settings; an error with the code `EADDRINUSE`, `EADDRNOTAVAIL` or `EACCES` if the
 *   address is in use or cannot be listened on; LogError `locked` if another server uses the data directory
 */
export function createApp(options: AppOptions = {}): Promise<App> {
  return makeApp(options, []);
}

/** The mechanisms that isolate projects, see docs/isolation.md. */
export type AppWall = 'gate' | Wall;

/** {@link createApp} with some walls omitted, for tests that prove one wall at a time. */
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
    return new Server({ config, logger, options, stores, usage, hasNoGate: without.includes('gate') });
  } catch (error) {
    await usage?.close();
    await stores.close();
    throw error;
  }
}

interface ServerParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly options: AppOptions;
  readonly stores: Stores;
  /** Null if usage is switched off. */
  readonly usage: UsageService | null;
  /** For tests that prove the other walls. */
  readonly hasNoGate: boolean;
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
  readonly #partition: Partition;
  readonly #killSwitch: KillSwitch;
  readonly #usage: UsageService | null;
  readonly #web: FastifyInstance;
  readonly #stopping = new AbortController();
  #address: string | null = null;
  #listening: Promise<string> | null = null;
  #closing: Promise<void> | null = null;
  #isMakingFirst = false;
  #resolveFirst: (first: FirstProject | null) => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor(parts: ServerParts) {
    const { config, logger, options, stores, usage } = parts;
    const { postgres } = stores;
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
    const metrics = new Metrics();
    const credentials = new Credentials({
      postgres,
      dataDir,
      logger,
      tokenStaleMs: config.WEIR_TOKEN_STALE,
      ...defined({ operatorKey: config.WEIR_OPERATOR_KEY }),
    });
    const tenants = new TenantStates({ postgres, dataDir, logger });
    const partition = new Partition({
      config,
      stores,
      credentials,
      tenants: tenants.table,
      metrics,
      logger,
      usageSink: options.usageSink,
    });
    this.#credentials = credentials;
    this.#settings = new InstallationSettings({ postgres, dataDir, logger });
    this.#tenants = tenants;
    this.#partition = partition;
    this.#killSwitch = new KillSwitch({
      settings: this.#settings,
      flags: partition.ingest.flags,
      logger,
      startsDisabled: config.WEIR_INGEST_DISABLED,
    });
    this.#web = composeWeb({
      ...parts,
      partition,
      credentials,
      tenants,
      killSwitch: this.#killSwitch,
      metrics,
      isMakingFirst: () => this.#isMakingFirst,
      address: () => this.#address,
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
    // An installation without credentials may be on its first start: it cannot receive events before the first start
    // creates some.
    this.#isMakingFirst = this.#credentials.size === 0;
    this.#settings.start();
    this.#tenants.start();
    await this.#partition.start();
    await this.#usage?.start();
    await this.#web.listen({ host, port });
    // The cast holds: a TCP server's address is an object.
    const bound = this.#web.server.address() as AddressInfo;
    const url = publicUrl ?? urlOf(bound);
    this.#address = url;
    await updateCredentialsUrl(dataDir, url);
    void this.#makeFirst(url);
    this.#logger.info({ url }, 'listening');
    return url;
  }

  async #makeFirst(url: string): Promise<void> {
    const parts = {
      config: this.#config,
      postgres: this.#stores.postgres,
      credentials: this.#credentials,
      logger: this.#logger,
      closing: this.#stopping.signal,
    };
    try {
      const first = await makeFirstProject(parts, url);
      this.#isMakingFirst = false;
      this.#resolveFirst(first);
    } catch (error) {
      if (!this.#stopping.signal.aborted && error instanceof Error) this.#fail(error);
      this.#resolveFirst(null);
    }
  }

  /** The shutdown phases of ingest, see docs/architecture.md. */
  async #close(): Promise<void> {
    this.#logger.info({}, 'shutting down');
    this.#stopping.abort();
    const { ingest } = this.#partition;
    ingest.flags.setDraining(true);
    this.#killSwitch.close();
    await this.#listening?.catch(() => {});
    const force = setTimeout(() => this.#web.server.closeAllConnections(), IN_FLIGHT_GRACE_MS);
    this.#partition.drain();
    const closers = [
      () => this.#web.close(),
      () => ingest.shutdown(),
      async () => await this.#usage?.close(),
      ...this.#partition.closers,
      () => this.#settings.close(),
      () => this.#tenants.close(),
      () => this.#credentials.close(),
      () => this.#stores.close(),
    ];
    for (const close of closers) {
      // Close each part, even if the one before failed.
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

/**
 * The URL for clients on this machine. A wildcard address (`0.0.0.0`, `::`) is replaced, because clients cannot connect
 * to it.
 */
function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
