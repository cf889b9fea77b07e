import type { Migration } from './migration.js';

export const usageRollup: Migration = {
  version: 3,
  name: 'usage rollup',
  sql: `
    create table usage_rollup (
      tenant text not null,
      hour timestamptz not null,
      src text not null,
      stack text not null,
      node_id text not null,
      requests bigint not null default 0,
      errors bigint not null default 0,
      denied bigint not null default 0,
      fuel bigint not null default 0,
      billable_fuel bigint not null default 0,
      bytes_in bigint not null default 0,
      bytes_out bigint not null default 0,
      duration_ms bigint not null default 0,
      max_mem_bytes bigint not null default 0,
      primary key (tenant, hour, src, stack, node_id)
    );

    create table usage_rollup_position (
      log_id text primary key,
      seq bigint not null
    );
  `,
};
