import { hostname } from 'node:os';
import { defined, type Logger } from '@weir/base';
import { Feed } from '@weir/feed';
import { SinkRegistry, shippedSinks, UsageService } from '@weir/usage';
import type { Config } from '../config/schema.js';
import type { Stores } from '../stores.js';
import { FeedSink } from './feed-sink.js';

/**
 * Opens the configured sinks and the feed's sink; null if usage is switched off.
 * @param others the sinks of a wrapper
 * @throws Error for an unknown sink, for a name registered twice, and for a sink that cannot be opened
 */
export async function openUsage(
  config: Config,
  logger: Logger,
  { log, feedLog, postgres, clickhouse }: Stores,
  others: SinkRegistry = new SinkRegistry(),
): Promise<UsageService | null> {
  if (!config.WEIR_USAGE_ENABLED) return null;
  const registry = shippedSinks({
    postgres,
    clickhouse,
    file: {
      maxBytes: config.WEIR_USAGE_FILE_MAX_BYTES,
      keep: config.WEIR_USAGE_FILE_KEEP,
      ...defined({ path: config.WEIR_USAGE_FILE }),
    },
    http: {
      url: config.WEIR_USAGE_HTTP_URL,
      token: config.WEIR_USAGE_HTTP_TOKEN,
      batch: config.WEIR_USAGE_HTTP_BATCH,
      timeoutMs: config.WEIR_USAGE_HTTP_TIMEOUT,
    },
  }).register('feed', () => new FeedSink(new Feed(feedLog)));
  return UsageService.open({
    log,
    registry: registry.include(others),
    sinks: [...config.WEIR_USAGE_SINKS, 'feed'],
    nodeId: config.WEIR_NODE_ID ?? hostname(),
    dataDir: config.WEIR_DATA_DIR,
    retention: config.WEIR_USAGE_RETENTION,
    logger,
  });
}
