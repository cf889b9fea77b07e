import type { Migration } from './migration.js';

export const channelLimits: Migration = {
  version: 5,
  name: 'channel limits',
  sql: `
    -- 0 is the installation's; a rate is two columns that count together.
    alter table tenant_runtime_state
      add column channel_rate_limit_rps double precision not null default 0
        check (channel_rate_limit_rps >= 0 and channel_rate_limit_rps < 'Infinity'),
      add column channel_rate_burst integer not null default 0 check (channel_rate_burst >= 0),
      add column channel_messages integer not null default 0 check (channel_messages >= 0),
      add column channel_message_bytes bigint not null default 0 check (channel_message_bytes >= 0),
      -- The largest whole number that JavaScript counts exactly.
      add column channel_bytes bigint not null default 0
        check (channel_bytes >= 0 and channel_bytes <= 9007199254740991),
      add column channels_per_process integer not null default 0
        check (channels_per_process >= 0 and channels_per_process <= 1000);

    alter table processes add column limits jsonb;
  `,
};
