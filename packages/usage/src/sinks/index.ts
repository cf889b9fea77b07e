export { ClickHouseSink } from './clickhouse-sink.js';
export { cloudEventOf, type UsageCloudEvent } from './cloud-event.js';
export { EventBatches, type EventBatchesOptions, type FlushEvents } from './event-batches.js';
export { FileSink, type FileSinkOptions } from './file-sink.js';
export type { HttpSinkOptions } from './http-settings.js';
export { HttpSink } from './http-sink.js';
export { LogSink } from './log-sink.js';
export { SinkRegistry } from './registry.js';
export {
  USAGE_GROUPS,
  type UsageGroup,
  type UsageTotal,
  UsageTotals,
  type UsageTotalsQuery,
} from './rollup-reader.js';
export { RollupSink } from './rollup-sink.js';
export { SHIPPED_SINKS, type ShippedSinksOptions, shippedSinks } from './shipped-sinks.js';
