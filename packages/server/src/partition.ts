import type { Credentials } from '@weir/accounts';
import type { Logger } from '@weir/base';
import { Discard, type UsageSink } from '@weir/extension';
import { IngestService } from '@weir/ingest';
import type { TenantTable } from '@weir/usage';
import { ServerChannels } from './channel/server-channels.js';
import { ingestOptions } from './config/part-options.js';
import type { Config } from './config/schema.js';
import { ServerFeed } from './feed/server-feed.js';
import { LogWatch } from './operations/log-watch.js';
import type { Metrics } from './operations/metrics.js';
import type { Stores } from './stores.js';

/** Dependencies of a {@link Partition}. */
export interface PartitionParts {
  readonly config: Config;
  readonly stores: Stores;
  readonly credentials: Credentials;
  /** The host's state and limits of projects. */
  readonly tenants: TenantTable;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Receives every batch that is durable in ClickHouse. Default: none. */
  readonly usageSink: UsageSink | undefined;
}

/**
 * Everything that a server derives from its logs, with one lifetime: ingest with its known ids and flusher, the feed and its
 * groups, processes, channels and streams. A node has exactly one partition.
 */
export class Partition {
  readonly ingest: IngestService;
  readonly feed: ServerFeed;
  readonly channels: ServerChannels;
  readonly #watch: LogWatch;

  constructor({ config, stores, credentials, tenants, metrics, logger, usageSink }: PartitionParts) {
    const { log, feedLog, channelLog, clickhouse, postgres } = stores;
    this.feed = new ServerFeed(config, stores, logger, () => this.ingest);
    this.channels = new ServerChannels({ config, stores, feed: this.feed, tenants, logger });
    this.ingest = new IngestService(
      {
        log,
        clickhouse,
        postgres,
        logger,
        onFlushed: (events, milliseconds) => metrics.flushed(events, milliseconds / 1000),
        lookupIngestToken: async (plaintext) =>
          (await credentials.lookupIngestToken(plaintext))?.projectId ?? null,
      },
      { ...ingestOptions(config, usageSink ?? new Discard()), heldAfter: () => this.feed.position },
    );
    this.#watch = new LogWatch({ events: log, feed: feedLog, channels: channelLog }, logger);
  }

  /** Reads the state from the logs and starts work. */
  async start(): Promise<void> {
    await this.feed.start();
    await this.channels.start();
    await this.ingest.start();
  }

  /**
   * Disconnects the clients that follow the feed: they would delay the shutdown, and they reconnect after the restart.
   */
  drain(): void {
    this.feed.end();
    this.#watch.close();
  }

  /** The steps of the shutdown after ingest, in this order. {@link IngestService.shutdown} comes first. */
  get closers(): readonly (() => Promise<void>)[] {
    return [...this.channels.closers, () => this.feed.close()];
  }
}
