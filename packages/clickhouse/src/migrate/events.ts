import type { DatabaseNames } from './migration.js';

/**
 * Months from 2015 to 2040, whole years (YYYY00) outside: a public token can send any time, and must not be able to
 * create thousands of partitions. Times range from 1970 to 2200: at most 312 months and 204 years.
 */
const PARTITION = `if(timestamp >= toDateTime64('2015-01-01 00:00:00', 3, 'UTC') AND timestamp < toDateTime64('2041-01-01 00:00:00', 3, 'UTC'),
  toYYYYMM(timestamp), toUInt32(toYear(timestamp)) * 100)`;

/** The base table of events: one row for each event, identified by its place in the ingest log. */
export function createEventsTable(names: DatabaseNames): string {
  return `CREATE TABLE IF NOT EXISTS ${names.base}.events_raw_v1
(
  log_epoch UInt32,
  log_offset UInt64,
  log_index UInt32,
  project_id UUID,
  event LowCardinality(String),
  event_id String,
  anonymous_id Nullable(String),
  user_id Nullable(String),
  session_id Nullable(String),
  timestamp DateTime64(3, 'UTC'),
  properties String,
  extras String,
  received_at DateTime64(3, 'UTC'),
  INDEX by_log_offset log_offset TYPE minmax
)
ENGINE = MergeTree
PARTITION BY ${PARTITION}
ORDER BY (project_id, timestamp, event)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;
}
