import type { Migration } from './migration.js';

export const tenantRuntimeState: Migration = {
  version: 2,
  name: 'tenant runtime state',
  sql: `
    create table tenant_runtime_state (
      project_id uuid primary key references projects (id) on delete cascade,
      enabled boolean not null default true,
      suspended boolean not null default false,
      deny_status integer not null default 403 check (deny_status in (402, 403)),
      deny_reason text,
      -- NaN is greater than everything, so the upper bound keeps it out too.
      rate_limit_rps double precision not null default 0
        check (rate_limit_rps >= 0 and rate_limit_rps < 'Infinity'),
      rate_burst integer not null default 0 check (rate_burst >= 0),
      concurrency_limit integer not null default 0 check (concurrency_limit >= 0)
    );

    create table tenant_runtime_revision (revision bigint not null);
    insert into tenant_runtime_revision values (1);

    create function count_tenant_runtime_change() returns trigger language plpgsql as $$
    begin
      update tenant_runtime_revision set revision = revision + 1;
      return null;
    end $$;
    create trigger tenant_runtime_state_changed
      after insert or update or delete or truncate on tenant_runtime_state
      for each statement execute function count_tenant_runtime_change();
  `,
};
