import { PLACE } from './arrival.js';
import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { TIMEZONE } from './properties.js';
import { IN_SCOPE } from './scope-condition.js';
import { sessionCounts } from './sessions-view.js';

/**
 * The SELECT behind the public view `persons`: one row a person who has events. Three questions about people are laid
 * under one another, each with one row a person, and then put side by side: a join would hold one of them in memory as
 * strings, and ClickHouse may choose the largest.
 */
export function personsView(names: DatabaseNames): string {
  return `WITH ${withPeople(names)}
SELECT
  assumeNotNull(p.distinct_id) AS distinct_id,
  anyIf(p.first_seen, part = 'events') AS first_seen,
  anyIf(p.last_seen, part = 'events') AS last_seen,
  sum(p.event_count) AS event_count,
  sum(p.session_count) AS session_count,
  anyIf(p.timezone, part = 'events') AS timezone,
  if(max(part = 'traits'), anyIf(p.traits, part = 'traits'), '{}') AS properties
FROM
(
  SELECT 'events' AS part, ${PERSON} AS distinct_id, min(timestamp) AS first_seen, max(timestamp) AS last_seen,
    count() AS event_count, toUInt64(0) AS session_count, argMax(${TIMEZONE}, ${PLACE}) AS timezone, '' AS traits
  FROM ${names.base}.events_raw_v1
  WHERE ${IN_SCOPE} AND isNotNull(coalesce(user_id, anonymous_id))
  GROUP BY distinct_id
  UNION ALL
  SELECT 'sessions', distinct_id, ${NEVER}, ${NEVER}, toUInt64(0), session_count, NULL, ''
  FROM (${sessionCounts(names)})
  UNION ALL
  SELECT 'traits', distinct_id, ${NEVER}, ${NEVER}, toUInt64(0), toUInt64(0), NULL, traits
  FROM (${traits(names)})
) AS p
GROUP BY p.distinct_id`;
}

const PERSON = personOf('user_id', 'anonymous_id');
const NEVER = "toDateTime64(0, 3, 'UTC')";

/** A person's traits from `$identify`, key by key the latest by arrival: `$set` where it is an object, else what has no `$`. */
function traits(names: DatabaseNames): string {
  const pairs = `if(JSONType(properties, '$set') = 'Object', JSONExtractKeysAndValuesRaw(properties, '$set'),
      arrayFilter(pair -> NOT startsWith(pair.1, '$'), JSONExtractKeysAndValuesRaw(properties)))`;
  return `SELECT distinct_id, concat('{', arrayStringConcat(arraySort(groupArray(concat(toJSONString(key), ':', value))), ','), '}') AS traits
FROM
(
  SELECT ${PERSON} AS distinct_id, pair.1 AS key, argMax(pair.2, ${PLACE}) AS value
  FROM ${names.base}.events_raw_v1
  ARRAY JOIN ${pairs} AS pair
  WHERE ${IN_SCOPE} AND event = '$identify' AND isNotNull(coalesce(user_id, anonymous_id))
  GROUP BY distinct_id, key
)
GROUP BY distinct_id`;
}
