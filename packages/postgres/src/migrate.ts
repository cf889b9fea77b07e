/**
 * Migrates a database to the schema of this code: forward-only steps, each at most once, for any number of concurrent
 * starts.
 *
 * All steps run in one transaction behind one advisory lock. A second process waits, then finds all steps done; a
 * process that crashes leaves no partial step. The lock belongs to the transaction, so a lost connection releases it,
 * also behind a connection pooler.
 */
import type pg from 'pg';
import type { Migration } from './migrations/migration.js';
import { PostgresError } from './postgres-error.js';

// An arbitrary fixed number: "weir" in ASCII.
const LOCK_KEY = 0x77656972;

/**
 * Runs on one connection of the caller, which must not be in a transaction. Returns the applied versions. Throws
 * `PostgresError` `schema_newer` if the database has a later version than `migrations`.
 */
export async function migrate(client: pg.ClientBase, migrations: readonly Migration[]): Promise<number[]> {
  await client.query('begin');
  try {
    const applied = await applyMissing(client, migrations);
    await client.query('commit');
    return applied;
  } catch (error) {
    // On a lost connection there is no transaction to roll back, and this error would hide the first one.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function applyMissing(client: pg.ClientBase, migrations: readonly Migration[]): Promise<number[]> {
  await client.query('select pg_advisory_xact_lock($1)', [LOCK_KEY]);
  await client.query(`
    create table if not exists weir_migrations (
      version integer primary key,
      name text not null,
      applied_at timestamptz not null default now()
    )`);
  const { rows } = await client.query<{ version: number | null }>(
    'select max(version) as version from weir_migrations',
  );
  const current = rows[0]?.version ?? 0;
  const latest = migrations.at(-1)?.version ?? 0;
  if (current > latest) {
    throw new PostgresError(
      'schema_newer',
      `The relational store has schema version ${current}, this version of Weir knows ${latest}: upgrade Weir, or restore a backup made before the upgrade`,
    );
  }
  const missing = migrations.filter((m) => m.version > current);
  for (const { version, name, sql } of missing) {
    await client.query(sql);
    await client.query('insert into weir_migrations (version, name) values ($1, $2)', [version, name]);
  }
  return missing.map((m) => m.version);
}
