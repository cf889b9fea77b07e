import { ClickHouseError } from '../clickhouse-error.js';
import { eventsView, plainEventsView } from './events-view.js';
import { identityViews } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { personsView } from './persons-view.js';
import { sessionsView } from './sessions-view.js';

/**
 * The statements that make the public views what this version says they are. Run at each start: they replace what is
 * there, and may run at the same time elsewhere.
 *
 * @param definer whose rights the views read base tables with, and whose row policies apply: a user's name, or
 * `CURRENT_USER` for whoever runs the statements
 */
export function viewStatements(names: DatabaseNames, definer = 'CURRENT_USER'): readonly string[] {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(definer)) {
    throw new ClickHouseError('a definer of views is a name of letters, digits and _', { kind: 'query' });
  }
  const statement = (view: string, select: string): string =>
    `CREATE OR REPLACE VIEW ${view}\nDEFINER = ${definer} SQL SECURITY DEFINER\nAS ${select}`;
  return [
    `CREATE DATABASE IF NOT EXISTS ${names.plain}`,
    ...Object.entries(identityViews(names)).map(([name, select]) =>
      statement(`${names.base}.${name}`, select),
    ),
    statement(`${names.plain}.events`, plainEventsView(names)),
    statement(`${names.views}.events`, eventsView(names)),
    statement(`${names.views}.sessions`, sessionsView(names)),
    statement(`${names.views}.persons`, personsView(names)),
  ];
}
