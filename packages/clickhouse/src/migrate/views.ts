import { ClickHouseError } from '../clickhouse-error.js';
import { eventsView } from './events-view.js';
import { identityViews } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { personsView } from './persons-view.js';
import { sessionsView } from './sessions-view.js';

/**
 * The statements that make the public views what this version says they are, in four databases: a name without a database
 * is looked up in the one that fits the question, so that the same text can be asked of each.
 *
 * | | any condition on timestamp | only such as cannot fail |
 * |---|---|---|
 * | asks who did it | `weir` | `weir_keyed` |
 * | asks for nobody | `weir_plain` | `weir_plain_keyed` |
 *
 * Run at each start: they replace what is
 * there, and may run at the same time elsewhere.
 *
 * @param definer whose rights the views read base tables with, and whose row policies apply: a user's name, or
 * `CURRENT_USER` for whoever runs the statements
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
