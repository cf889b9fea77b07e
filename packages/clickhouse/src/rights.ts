import { createHash, randomBytes } from 'node:crypto';
import type { ClickHouse } from './clickhouse.js';
import { ClickHouseError } from './clickhouse-error.js';
import { databaseNames, publicViews } from './migrate/migration.js';
import { ScopeSigner } from './scope.js';
import type { ServerReader } from './target.js';

/** The user with whose rights the public views read the base tables. It cannot log in. */
export const DEFINER = 'weir_definer';

/**
 * The statements that isolate projects on a ClickHouse server, as the users file does on the embedded engine: the
 * reader and its rights, the definer of the views, and the row policies that bind it. Each declares a final state, so
 * all may run at every start, and on several nodes concurrently.
 *
 * The user that runs them needs ACCESS MANAGEMENT and SET DEFINER with grant option. Written for ClickHouse 25.8 and
 * newer.
 */
export function rightsStatements(reader: ServerReader, database = 'weir'): readonly string[] {
  const { username, password, scopeKey } = reader;
  if (!/^[A-Za-z_]\w{0,62}$/.test(username)) {
    throw new ClickHouseError('query', 'the name of the reader has letters, digits and _ only');
  }
  const names = databaseNames(database);
  const scope = new ScopeSigner(scopeKey);
  const hash = createHash('sha256').update(password).digest('hex');
  const nobody = randomBytes(32).toString('hex');
  const settings = [
    'use_query_cache',
    'use_query_condition_cache',
    'allow_introspection_functions',
    'allow_ddl',
  ];
  const constants = settings.map((name) => `${name} = 0 CONST`).join(', ');
  const views = publicViews(names)
    .map((view) => `SELECT ON ${view}`)
    .join(', ');
  return [
    `CREATE USER IF NOT EXISTS ${DEFINER} IDENTIFIED WITH sha256_hash BY '${nobody}' HOST NONE`,
    `ALTER USER ${DEFINER} HOST NONE`,
    `GRANT SELECT ON ${names.base}.* TO ${DEFINER} WITH REPLACE OPTION`,
    `CREATE ROW POLICY OR REPLACE weir_scope ON ${names.base}.* USING ${scope.projectFilter()} TO ${DEFINER}`,
    // Once a policy exists, users without one see no rows on some servers, so the others need a policy that permits all
    // rows.
    `CREATE ROW POLICY OR REPLACE weir_others ON ${names.base}.* USING 1 TO ALL EXCEPT ${DEFINER}, ${username}`,
    `CREATE USER IF NOT EXISTS ${username} IDENTIFIED WITH sha256_hash BY '${hash}'`,
    `ALTER USER ${username} IDENTIFIED WITH sha256_hash BY '${hash}' DEFAULT ROLE NONE SETTINGS ${constants}`,
    `GRANT ${views} TO ${username} WITH REPLACE OPTION`,
    // System tables show other projects' queries. SELECT 1 reads system.one.
    `CREATE ROW POLICY OR REPLACE weir_nothing ON system.* USING 0 TO ${username}`,
    `CREATE ROW POLICY OR REPLACE weir_one ON system.one USING 1 TO ${username}`,
    `CREATE ROW POLICY OR REPLACE weir_others ON system.* USING 1 TO ALL EXCEPT ${username}`,
  ];
}

/**
 * Runs {@link rightsStatements}; before the views are created, because they need the definer. Throws `ClickHouseError`.
 */
export async function assertRights(clickhouse: ClickHouse, reader: ServerReader): Promise<void> {
  for (const statement of rightsStatements(reader)) await clickhouse.command(statement);
}
