import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE } from './scope-condition.js';

/** The SELECT behind the public view `events`: one row an event. */
export function eventsView(names: DatabaseNames): string {
  return `WITH ${withPeople(names)}
SELECT
  event_id,
  event,
  ${personOf('user_id', 'anonymous_id')} AS distinct_id,
  anonymous_id,
  user_id,
  session_id,
  timestamp,
  properties,
  extras,
  received_at
FROM ${names.base}.events_raw_v1
WHERE ${IN_SCOPE}`;
}
