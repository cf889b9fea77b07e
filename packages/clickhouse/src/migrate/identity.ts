/**
 * Resolves the person of an event, identically in all public views.
 *
 * The person is the event's user_id; else the user that its anonymous_id is linked to; else the anonymous_id; else
 * none. A user id that was merged into another (`$alias`) stands for the id at the end of its chain. identity-links.ts
 * defines links and their precedence. The order is always that of arrival, never of timestamps, so that back-dated
 * events cannot take over a person's history. An answer uses all links at the time of the query, so it does not depend
 * on the order of inserts or merges.
 *
 * The views look people up in two arrays that scalar subqueries create once for each query. A LEFT JOIN costs several
 * times more, also in queries that need no person (ClickHouse executes a join whose columns are unused).
 *
 * Chains of aliases: each alias points from an id to the id that is kept, and has a number in order of arrival. The
 * `paths` scalar follows aliases whose target is itself an alias (usually none) and doubles the distance with each
 * step: a step joins every path with the path that starts at its end. A path records the latest alias on it. A chain
 * ends at an id without an alias. A path that has not ended is on a circle; the latest alias on it closed the circle
 * and has no effect, so the id that it would have merged is the root.
 */
import { anonymousKey, userKey } from './identity-links.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE, SCOPE } from './scope-condition.js';

/** Steps of doubling: chains of up to 2^12 aliases are resolved; longer ones only that far. */
const DOUBLINGS = 12;

/**
 * The views for lookups by the public views, in order of their dependencies. They are separate, and have
 * `project_id` for the row policy like every table; readers have no rights on them.
 *
 * - `joined_users`: the key of each merged user id, and the id that it stands for.
 * - `people`: the same, and the key of each linked anonymous id with its person.
 */
export function identityViews(names: DatabaseNames): Readonly<Record<string, string>> {
  const links = (table: string): string =>
    `SELECT id, argMax(l.user_id, l.earliness) AS user_id, max(l.earliness) AS earliest FROM ${names.base}.${table} AS l WHERE ${IN_SCOPE} GROUP BY id`;
  const joinedUsers = `WITH
  (SELECT (groupArray(id), groupArray(${userKey('user_id')}), groupArray(user_id))
   FROM (SELECT * FROM (${links('alias_links_v1')}) ORDER BY earliest DESC, id)) AS aliases,
  (WITH RECURSIVE path AS
   (
     SELECT 0 AS step, a.1 AS id, a.2 AS reached, a.3 AS latest
     FROM (SELECT arrayJoin(arrayZip(aliases.1, aliases.2, arrayEnumerate(aliases.1))) AS a)
     WHERE a.2 IN (SELECT arrayJoin(aliases.1))
     UNION ALL
     SELECT step + 1, arriving.1, if(goes_on, onward.1, junction), greatest(arriving.2, onward.2)
     FROM
     (
       SELECT step, e.1 AS junction, groupArrayIf((e.3, e.4), NOT e.2) AS all_arriving, anyIf((e.3, e.4), e.2) AS onward, max(e.2) AS goes_on
       FROM (SELECT step, arrayJoin([(reached, false, id, latest), (id, true, reached, latest)]) AS e FROM path WHERE step < ${DOUBLINGS})
       GROUP BY step, junction
     )
     ARRAY JOIN all_arriving AS arriving
   )
   SELECT (groupArray(id), groupArray(reached), groupArray(latest)) FROM path WHERE step = ${DOUBLINGS}) AS paths
SELECT ${SCOPE} AS project_id, id, transform(root, aliases.2, aliases.3, '') AS person
FROM
(
  SELECT a.1 AS id,
    transform(a.2, paths.1, paths.2, a.2) AS reached,
    transform(reached, paths.1, paths.3, toUInt32(0)) AS closing,
    if(closing = 0, transform(reached, aliases.1, aliases.2, reached), aliases.1[closing]) AS root
  FROM (SELECT arrayJoin(arrayZip(aliases.1, aliases.2)) AS a)
)
WHERE id != root`;
  const people = `WITH ${asArrays(`${names.base}.joined_users`)} AS joined
SELECT ${SCOPE} AS project_id, id, transform(${userKey('user_id')}, joined.1, joined.2, user_id) AS person
FROM (${links('anonymous_links_v1')})
UNION ALL
SELECT ${SCOPE}, j.1, j.2 FROM (SELECT arrayJoin(arrayZip(joined.1, joined.2)) AS j)`;
  return { joined_users: joinedUsers, people };
}

/** The scalar that {@link personOf} needs, for the WITH clause of the outer SELECT. */
export function withPeople(names: DatabaseNames): string {
  return `${asArrays(`${names.base}.people`)} AS people`;
}

function asArrays(view: string): string {
  return `(SELECT (groupArray(id), groupArray(person)) FROM ${view} WHERE ${IN_SCOPE})`;
}

/** SQL of the person (Nullable(String)) for two ids, given as SQL of Nullable(String). Needs {@link withPeople}. */
export function personOf(userId: string, anonymousId: string): string {
  const own = `ifNull(coalesce(${userId}, ${anonymousId}), '')`;
  return personOfId(own, `isNull(${userId})`);
}

/**
 * SQL of an event's own id, prefixed with a letter for its kind; NULL without ids. Queries group events by this first,
 * so that {@link personOfOwnId} runs once for each group instead of each event.
 */
export const OWN_ID = "concat(if(isNull(user_id), 'a', 'u'), coalesce(user_id, anonymous_id))";

/** SQL of the person (Nullable(String)) of an {@link OWN_ID} (String, empty for none). Needs {@link withPeople}. */
export function personOfOwnId(ownId: string): string {
  return personOfId(`substring(${ownId}, 2)`, `startsWith(${ownId}, 'a')`);
}

/** The person of one id (String, empty for none), given whether it is anonymous. Written to copy few strings. */
function personOfId(id: string, isAnonymous: string): string {
  const key = `if(${isAnonymous}, ${anonymousKey(id)}, ${userKey(id)})`;
  return `nullIf(transform(${key}, people.1, people.2, ${id}), '')`;
}
