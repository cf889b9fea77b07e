import type { ClickHouse } from '../clickhouse.js';
import { ClickHouseError } from '../clickhouse-error.js';
import { withClaim } from './claim.js';
import { databaseNames, type Migration } from './migration.js';
import { migrations } from './migrations.js';
import { viewStatements } from './views.js';

/** Options of {@link migrateClickHouse}. */
export interface MigrateOptions {
  /**
   * The database of the public views; base tables are in `<database>_base`. Default `weir`, the only one that the
   * embedded engine's rights cover.
   */
  readonly database?: string;
  /** The steps; tests may pass their own. Default: those of this version. */
  readonly steps?: readonly Migration[];
  /** No other process can reach this ClickHouse, as with the embedded engine, so no claim is needed. Default false. */
  readonly exclusive?: boolean;
  /** The user whose rights and row policies the public views use. Default: the user that runs the migration. */
  readonly definer?: string;
  readonly signal?: AbortSignal;
}

/** The result of a migration. */
export interface MigrationResult {
  /** The id of the last step that the data has now. */
  readonly version: number;
  /** Ids of the steps run now. */
  readonly applied: readonly number[];
}

/**
 * Migrates the data to the version of this code: runs missing steps once, under a claim, in order, then recreates the
 * public views. Steps only go forward.
 *
 * @throws ClickHouseError of kind `query` if the data is newer than the code, because this code could write rows that
 *   the newer version does not expect.
 */
export async function migrateClickHouse(
  clickhouse: ClickHouse,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const names = databaseNames(options.database);
  if (!/^[a-z][a-z0-9_]*$/.test(names.views)) {
    throw new ClickHouseError('query', 'a database name has lower-case letters, digits and _ only');
  }
  const steps = options.steps ?? migrations(names);
  const views = options.steps === undefined ? viewStatements(names, options.definer) : [];
  const table = `${names.views}.weir_migrations`;
  await clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${names.views}`);
  await clickhouse.command(
    `CREATE TABLE IF NOT EXISTS ${table} (id UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
     ENGINE = MergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const run = async (): Promise<MigrationResult> => {
    const missing = await missingSteps(clickhouse, table, steps);
    for (const step of missing) {
      options.signal?.throwIfAborted();
      for (const statement of step.statements) await clickhouse.command(statement);
      await clickhouse.command(`INSERT INTO ${table} (id, name) SELECT {id:UInt32}, {name:String}`, {
        params: { id: step.id, name: step.name },
      });
    }
    return { version: latest(steps), applied: missing.map((step) => step.id) };
  };
  // A normal start finds all steps done, and need not wait for a claim.
  const isDone = (await missingSteps(clickhouse, table, steps)).length === 0;
  const result: MigrationResult = isDone
    ? { version: latest(steps), applied: [] }
    : await (options.exclusive === true ? run() : withClaim(clickhouse, names.views, run, options.signal));
  for (const view of views) await clickhouse.command(view);
  return result;
}

async function missingSteps(
  clickhouse: ClickHouse,
  table: string,
  steps: readonly Migration[],
): Promise<readonly Migration[]> {
  const rows = await clickhouse.query<{ id: number }>(`SELECT DISTINCT id FROM ${table}`);
  const done = new Set(rows.map((row) => row.id));
  const newest = Math.max(0, ...done);
  if (newest > latest(steps)) {
    throw new ClickHouseError(
      'query',
      `the data in ClickHouse is of schema version ${newest}, newer than this code's ${latest(steps)}: run the newer Weir`,
    );
  }
  return steps.filter((step) => !done.has(step.id));
}

function latest(steps: readonly Migration[]): number {
  return Math.max(0, ...steps.map((step) => step.id));
}
