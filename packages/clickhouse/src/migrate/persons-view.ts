import { PLACE } from './arrival.js';
import { OWN_ID, personOfOwnId, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { TIMEZONE } from './properties.js';
import { IN_SCOPE } from './scope-condition.js';
import { sessionCounts } from './sessions-view.js';

/**
 * The SELECT behind the public view `persons`: one row for each person with events. Three subqueries with one row for
 * each own id are concatenated and grouped by person. A join would hold one of them in memory as strings, and
 * ClickHouse may choose the largest.
 */
export function personsView(names: DatabaseNames): string {
  return `WITH ${withPeople(names)}
SELECT
  assumeNotNull(${personOfOwnId('p.own_id')}) AS distinct_id,
  minIf(p.first_seen, p.event_count > 0) AS first_seen,
  maxIf(p.last_seen, p.event_count > 0) AS last_seen,
  sum(p.event_count) AS event_count,
  sum(p.session_count) AS session_count,
  argMax(p.timezone, p.timezone_place) AS timezone,
  ${LATEST_TRAITS} AS properties
FROM
(
  SELECT assumeNotNull(${OWN_ID}) AS own_id, min(timestamp) AS first_seen, max(timestamp) AS last_seen, count() AS event_count,
    toUInt64(0) AS session_count, argMax(${TIMEZONE}, ${PLACE}) AS timezone,
    maxIf(${PLACE}, isNotNull(${TIMEZONE})) AS timezone_place, ${NO_TRAITS} AS traits
  FROM ${names.base}.events_raw_v1
  WHERE ${IN_SCOPE} AND isNotNull(coalesce(user_id, anonymous_id))
  GROUP BY own_id
  UNION ALL
  SELECT own_id, ${NEVER}, ${NEVER}, toUInt64(0), session_count, NULL, toUInt128(0), ${NO_TRAITS}
  FROM (${sessionCounts(names)})
  UNION ALL
  SELECT own_id, ${NEVER}, ${NEVER}, toUInt64(0), toUInt64(0), NULL, toUInt128(0), traits
  FROM (${traits(names)})
) AS p
GROUP BY distinct_id`;
}

const NEVER = "toDateTime64(0, 3, 'UTC')";
const NO_TRAITS = "CAST([], 'Array(Tuple(String, UInt128, String))')";

/**
 * JSON of the last value of each key, from sorted traits of key, place and value: those whose successor has another
 * key.
 */
const LATEST_TRAITS = `concat('{', arrayStringConcat(arrayMap(trait -> concat(toJSONString(trait.1), ':', trait.3), arrayFilter(
    (trait, next) -> ifNull(trait.1 != next, true),
    arraySort(groupArrayArray(p.traits)) AS sorted,
    arrayResize(arrayMap(trait -> toNullable(trait.1), arrayPopFront(sorted)), length(sorted)))), ','), '}')`;

/**
 * The traits of an own id from `$identify`, the latest by arrival for each key: `$set` if it is an object, otherwise
 * all keys without `$`.
 */
function traits(names: DatabaseNames): string {
  const pairs = `if(JSONType(properties, '$set') = 'Object', JSONExtractKeysAndValuesRaw(properties, '$set'),
      arrayFilter(pair -> NOT startsWith(pair.1, '$'), JSONExtractKeysAndValuesRaw(properties)))`;
  return `SELECT own_id, groupArray((key, place, value)) AS traits
FROM
(
  SELECT assumeNotNull(${OWN_ID}) AS own_id, pair.1 AS key, max(${PLACE}) AS place, argMax(pair.2, ${PLACE}) AS value
  FROM ${names.base}.events_raw_v1
  ARRAY JOIN ${pairs} AS pair
  WHERE ${IN_SCOPE} AND event = '$identify' AND isNotNull(coalesce(user_id, anonymous_id))
  GROUP BY own_id, key
)
GROUP BY own_id`;
}
