import { MOMENT, PLACE } from './arrival.js';
import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { TIMEZONE } from './properties.js';
import { IN_SCOPE } from './scope-condition.js';

/** The SELECT behind the public view `sessions`: one row a session id. */
export function sessionsView(names: DatabaseNames): string {
  return `WITH ${withPeople(names)}
SELECT
  assumeNotNull(e.session_id) AS session_id,
  ${SESSION_PERSON} AS distinct_id,
  min(timestamp) AS started_at,
  max(timestamp) AS ended_at,
  toUnixTimestamp64Milli(ended_at) - toUnixTimestamp64Milli(started_at) AS duration_ms,
  count() AS event_count,
  argMax(${TIMEZONE}, ${PLACE}) AS timezone,
  argMin(event, ${MOMENT}) AS entry_event,
  argMax(event, ${MOMENT}) AS exit_event
${sessionsOf(names)}`;
}

/** How many sessions each person has: the same sessions, and the same person of each, as the view shows. */
export function sessionCounts(names: DatabaseNames): string {
  return `SELECT distinct_id, count() AS session_count
FROM (SELECT ${SESSION_PERSON} AS distinct_id ${sessionsOf(names)})
WHERE distinct_id IS NOT NULL
GROUP BY distinct_id`;
}

/** A session is that of the person of its first event, by arrival, that has one. Looked up once a session, not an event. */
const FIRST_IDS = `argMinIf((user_id, anonymous_id), ${PLACE}, isNotNull(coalesce(user_id, anonymous_id)))`;
const SESSION_PERSON = personOf(
  `nullIf(tupleElement(${FIRST_IDS}, 1), '')`,
  `nullIf(tupleElement(${FIRST_IDS}, 2), '')`,
);

function sessionsOf(names: DatabaseNames): string {
  return `FROM ${names.base}.events_raw_v1 AS e
WHERE ${IN_SCOPE} AND isNotNull(e.session_id)
GROUP BY e.session_id`;
}
