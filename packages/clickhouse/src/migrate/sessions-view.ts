import { MOMENT, PLACE } from './arrival.js';
import { OWN_ID, personOfOwnId, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { TIMEZONE } from './properties.js';
import { IN_SCOPE } from './scope-condition.js';

/** The SELECT behind the public view `sessions`: one row for each session id. */
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

/** The number of sessions of each own id, see identity.ts; the same sessions that the view shows. */
export function sessionCounts(names: DatabaseNames): string {
  return `SELECT own_id, count() AS session_count
FROM (SELECT ${FIRST_ID} AS own_id ${sessionsOf(names)})
WHERE own_id != ''
GROUP BY own_id`;
}

/**
 * A session belongs to the person of its first event by arrival that has one. The lookup runs once for each session,
 * not each event.
 */
const FIRST_ID = `ifNull(argMin(${OWN_ID}, ${PLACE}), '')`;
const SESSION_PERSON = personOfOwnId(FIRST_ID);

function sessionsOf(names: DatabaseNames): string {
  return `FROM ${names.base}.events_raw_v1 AS e
WHERE ${IN_SCOPE} AND isNotNull(e.session_id)
GROUP BY e.session_id`;
}
