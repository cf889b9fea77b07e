import type { Migration } from './migration.js';

export const projectsAndDeadLetters: Migration = {
  version: 1,
  name: 'projects and dead letters',
  sql: `
    create table projects (
      id uuid primary key,
      name text not null,
      created_at timestamptz not null default now(),
      deleted_at timestamptz
    );

    create table ingest_tokens (
      id uuid primary key,
      project_id uuid not null references projects (id) on delete cascade,
      name text not null,
      token_hash bytea not null unique,
      allowed_origins text[],
      created_at timestamptz not null default now(),
      revoked_at timestamptz
    );
    create index ingest_tokens_project on ingest_tokens (project_id);

    create table api_keys (
      id uuid primary key,
      project_id uuid not null references projects (id) on delete cascade,
      name text not null,
      key_hash bytea not null unique,
      scopes text[] not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      last_used_at timestamptz,
      revoked_at timestamptz
    );
    create index api_keys_project on api_keys (project_id);

    create table installation_settings (
      key text primary key,
      value jsonb not null,
      updated_at timestamptz not null default now()
    );

    create table failed_events (
      id uuid primary key,
      project_id uuid not null,
      log_epoch bigint not null,
      first_offset bigint not null,
      last_offset bigint not null,
      part integer not null default 0,
      batch_id text not null,
      batch_payload bytea not null,
      event_count integer not null,
      last_error text,
      reason text,
      attempt_count integer not null default 0,
      next_attempt_at timestamptz not null default now(),
      claimed_until timestamptz,
      created_at timestamptz not null default now(),
      last_attempt_at timestamptz,
      quarantined_at timestamptz,
      purged_at timestamptz,
      constraint failed_events_place unique (project_id, log_epoch, first_offset, last_offset, part)
    );
    -- The payload arrives compressed or is read whole anyway: TOAST need not try again.
    alter table failed_events alter column batch_payload set storage external;
    create index failed_events_due on failed_events (next_attempt_at) where quarantined_at is null and purged_at is null;
    create index failed_events_reason on failed_events (reason);
    create index failed_events_purged on failed_events (purged_at) where purged_at is not null;
    create index failed_events_project on failed_events (project_id, created_at);
  `,
};
