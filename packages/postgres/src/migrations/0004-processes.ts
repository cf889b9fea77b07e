import type { Migration } from './migration.js';

export const processTables: Migration = {
  version: 4,
  name: 'processes',
  sql: `
    create table processes (
      id uuid primary key,
      project_id uuid not null,
      revision integer not null,
      name text not null,
      args text not null,
      executor_type text not null,
      priority integer not null,
      state text not null,
      submitter_id text not null,
      executor_id text,
      attempt integer not null,
      max_retries integer not null,
      max_wait_ms bigint,
      max_exec_ms bigint,
      channels jsonb not null,
      log_id text not null,
      observers text[] not null,
      assignments text[] not null,
      output text not null,
      error text not null,
      idempotency_key text,
      idempotency_hash bytea,
      created_at timestamptz not null,
      assigned_at timestamptz,
      heartbeat_at timestamptz,
      closed_at timestamptz,
      cleaned_at timestamptz,
      due_at timestamptz
    );
    create index processes_waiting on processes (project_id, executor_type, priority desc, id)
      where state = 'waiting';
    create index processes_due on processes (due_at) where due_at is not null;
    create index processes_listed on processes (project_id, id);
    create index processes_state on processes (project_id, state, id);
    create index processes_name on processes (project_id, name, id);
    create unique index processes_idempotency on processes (project_id, submitter_id, idempotency_key)
      where idempotency_key is not null;

    create table process_outbox (
      id bigserial primary key,
      seq bigint,
      project_id uuid not null,
      process_id uuid not null,
      change text not null,
      at timestamptz not null,
      document text not null
    );
    create index process_outbox_seq on process_outbox (seq);
  `,
};
