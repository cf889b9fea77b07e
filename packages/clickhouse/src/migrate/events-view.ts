import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE } from './scope-condition.js';

/**
 * The SELECT behind the public view `events`: one row an event.
 *
 * The name is no LowCardinality any more: functions run over a column's whole dictionary, where other projects' names
 * stand too, past every row policy, and their errors quote what they fail on. (`toString` would keep the dictionary.)
 */
export function eventsView(names: DatabaseNames): string {
  const person = `${personOf('user_id', 'anonymous_id')} AS distinct_id,\n  `;
  return `WITH ${withPeople(names)}\n${select(names, person)}`;
}

/** The same without `distinct_id`: nobody is looked up, and links are not read. */
export function plainEventsView(names: DatabaseNames): string {
  return select(names, '');
}

function select(names: DatabaseNames, person: string): string {
  return `SELECT
  event_id,
  CAST(event, 'String') AS event,
  ${person}anonymous_id,
  user_id,
  session_id,
  timestamp,
  properties,
  extras,
  received_at
FROM ${names.base}.events_raw_v1
WHERE ${IN_SCOPE}`;
}
