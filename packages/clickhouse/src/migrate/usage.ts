import { type DatabaseNames, databaseNames } from './migration.js';

/**
 * The table with the usage records of all tenants, for the default names: read it with `FINAL` to get each record once.
 */
export const USAGE_TABLE = usageTable(databaseNames());

/**
 * The table of usage records. A redelivered record replaces itself, because its key is the same in every delivery.
 *
 * It is in a separate database: every table of the base database has a row policy on `project_id`, but the tenant of a
 * record need not be a project. Rights are granted by database too: tenants get none here.
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
