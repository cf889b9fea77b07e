/** Converts the configuration to the options of other packages. */

import type { BootstrapOptions } from '@weir/accounts';
import { defined } from '@weir/base';
import type { UsageSink } from '@weir/extension';
import type { IngestOptions } from '@weir/ingest';
import type { Config } from './schema.js';

/** Settings of the write path. */
export function ingestOptions(config: Config, usageSink: UsageSink): IngestOptions {
  return {
    eventBuffer: config.WEIR_INGEST_EVENT_BUFFER,
    eventBufferBytes: config.WEIR_INGEST_EVENT_BUFFER_BYTES,
    flushEvents: config.WEIR_INGEST_FLUSH_EVENTS,
    flushBytes: config.WEIR_INGEST_FLUSH_BYTES,
    flushIntervalMs: config.WEIR_INGEST_FLUSH_INTERVAL,
    retryInPlaceMs: config.WEIR_INGEST_RETRY_IN_PLACE,
    shutdownGraceMs: config.WEIR_INGEST_SHUTDOWN_GRACE,
    dlqDrainBatchLimit: config.WEIR_INGEST_DLQ_DRAIN_BATCH_LIMIT,
    ack: config.WEIR_INGEST_ACK,
    onFatal: config.WEIR_INGEST_ON_FATAL,
    dedupWindowMs: config.WEIR_INGEST_DEDUP_WINDOW,
    dedupMaxIds: config.WEIR_INGEST_DEDUP_MAX_IDS,
    usageSink,
  };
}

/** What the first start creates. */
export function bootstrapOptions(config: Config): BootstrapOptions {
  const { WEIR_BOOTSTRAP_PROJECT_ID: projectId, WEIR_BOOTSTRAP_INGEST_TOKEN: ingestToken } = config;
  const { WEIR_BOOTSTRAP_API_KEY: apiKey } = config;
  return {
    off: config.WEIR_BOOTSTRAP === 'off',
    ...defined({ projectId, ingestToken, apiKey }),
  };
}
