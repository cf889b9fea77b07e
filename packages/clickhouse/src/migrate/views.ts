import { ClickHouseError } from '../clickhouse-error.js';
import { eventsView } from './events-view.js';
import { identityViews } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { personsView } from './persons-view.js';
import { sessionsView } from './sessions-view.js';

/**
 * The statements that create the public views of this version, in four databases. A name without a database is looked
 * up in the database that fits the query, so the same text works in each of them.
 *
 * | | any condition on timestamp | only conditions that cannot fail |
 * |---|---|---|
 * | uses the person | `weir` | `weir_keyed` |
 * | ignores the person | `weir_plain` | `weir_plain_keyed` |
 *
 * Each start runs them: they replace existing views, and may run concurrently on several nodes.
 *
 * @param definer the user whose rights and row policies the views use: a name, or `CURRENT_USER` for the user that runs
 * the statements
 */
export function viewStatements(names: DatabaseNames, definer = 'CURRENT_USER'): readonly string[] {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(definer)) {
    throw new ClickHouseError('query', 'a definer of views is a name of letters, digits and _');
  }
  const statement = (view: string, select: string): string =>
    `CREATE OR REPLACE VIEW ${view}\nDEFINER = ${definer} SQL SECURITY DEFINER\nAS ${select}`;
  return [
    ...[names.plain, names.keyed, names.plainKeyed].map((name) => `CREATE DATABASE IF NOT EXISTS ${name}`),
    ...Object.entries(identityViews(names)).map(([name, select]) =>
      statement(`${names.base}.${name}`, select),
    ),
    ...[names.views, names.keyed].flatMap((database) => [
      statement(`${database}.events`, eventsView(names, { plain: false, keyed: database === names.keyed })),
      statement(`${database}.sessions`, sessionsView(names)),
      statement(`${database}.persons`, personsView(names)),
    ]),
    ...[names.plain, names.plainKeyed].map((database) =>
      statement(
        `${database}.events`,
        eventsView(names, { plain: true, keyed: database === names.plainKeyed }),
      ),
    ),
  ];
}
