import { type DatabaseNames, databaseNames } from './migration.js';

/** The usage records of all tenants, in a ClickHouse of the default names: read with `FINAL`, it has each once. */
export const USAGE_TABLE = usageTable(databaseNames());

/**
 * The table of usage records. A record that comes again replaces itself: its key is the same in every delivery.
 *
 * It has a database of its own, because every table of the base database is under a row policy on `project_id`, and the
 * tenant of a record need not be a project. Rights come by database too: nothing grants tenants this one.
 */
export function createUsageTable(names: DatabaseNames): string {
  return `CREATE TABLE IF NOT EXISTS ${usageTable(names)}
(
  id UUID,
  log_id String,
  seq UInt64,
  time DateTime64(3, 'UTC'),
  node_id LowCardinality(String),
  epoch String,
  version UInt8,
  rid String,
  tenant String,
  principal String,
  src LowCardinality(String),
  parent Nullable(UUID),
  stack LowCardinality(String),
  duration_ms Float64,
  status LowCardinality(String),
  http_status Nullable(UInt16),
  bytes_in UInt64,
  bytes_out UInt64,
  mem_bytes UInt64,
  fuel UInt64,
  admission_denied Bool,
  admission_reason LowCardinality(String),
  billable Bool
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (tenant, time, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;
}

function usageTable(names: DatabaseNames): string {
  return `${names.usage}.usage_v1`;
}
