import type { Migration } from './migration.js';

export const usageEvents: Migration = {
  version: 6,
  name: 'usage events',
  sql: `
    alter table usage_rollup add column events bigint not null default 0;

    -- A request that was not denied cost 10, and each event that it brought 1.
    update usage_rollup set events = greatest(0, fuel - 10 * (requests - denied))
      where stack = 'ingest:POST /api/v1/ingest/events';
  `,
};
