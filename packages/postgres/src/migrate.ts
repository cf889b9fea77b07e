/**
 * Brings a database to the schema of this code: forward-only steps, each at most once, however many nodes start
 * at the same moment.
 *
 * All of it is one transaction behind one advisory lock. Whoever comes second waits, then finds nothing to do;
 * whoever dies in the middle leaves nothing behind. The lock belongs to the transaction, so a lost connection
 * releases it, and a pooler between us and the server cannot leave it hanging.
 */
import type pg from 'pg';
import type { Migration } from './migrations/migration.js';
import { PostgresError } from './postgres-error.js';

// Any fixed number will do as long as it never changes: "weir" in ASCII.
const LOCK_KEY = 0x77656972;

/**
 * Runs on one connection of the caller's, which must not be inside a transaction. Returns the versions applied.
 * Throws `PostgresError` `schema_newer` where the database has seen a later version than `migrations` holds.
 */
export async function migrate(client: pg.ClientBase, migrations: readonly Migration[]): Promise<number[]> {
  await client.query('begin');
  try {
    const applied = await applyMissing(client, migrations);
    await client.query('commit');
    return applied;
  } catch (error) {
    // On a lost connection there is nothing left to roll back, and its error would hide the first one.
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
