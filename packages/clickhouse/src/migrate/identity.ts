/**
 * Who did it: the person of an event, the same in all public views.
 *
 * An event's person is its user_id, else the user its anonymous_id is linked to, else the anonymous_id, else nobody;
 * a user id that was joined to another (`$alias`) stands for the one at the end of its chain. What counts as a link,
 * and which of several, is in identity-links.ts. Order is always that of arrival, never of timestamps, so that nobody
 * takes over history by back-dating; and an answer is made of all links at the time of the question, so it does not
 * depend on when rows were inserted or merged.
 *
 * The views look people up in two arrays that are made once a query, by scalar subqueries: a LEFT JOIN costs several
 * times more, and costs it in queries that ask for nobody (ClickHouse keeps a join whose columns are unused).
 *
 * Aliases of aliases: each alias points from an id to the id that is kept, and has a number in order of arrival. The
 * `paths` scalar follows pointers of aliases whose target is itself an alias (usually none), doubling the way it has
 * gone with each step: a step joins every path with the one that begins at its end. A path remembers the latest alias
 * on it. A chain ends at an id without alias; what has not ended lies on a circle, where the latest alias closed it
 * and has no effect: the id it would have joined is the root.
 */
import { anonymousKey, userKey } from './identity-links.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE, SCOPE } from './scope-condition.js';

/** Steps of doubling: chains of up to 2^12 aliases are followed to their end, of longer ones so far. */
const DOUBLINGS = 12;

/**
 * The views that public views look people up in, in the order they depend on one another. They are apart, and hold
 * `project_id` for the row policy like every table beside them; no reader has rights on them.
 *
 * - `joined_users`: the key of each user id that was joined to another, and the id it stands for.
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

/** The scalar that {@link personOf} needs, for the WITH clause of a SELECT around it. */
export function withPeople(names: DatabaseNames): string {
  return `${asArrays(`${names.base}.people`)} AS people`;
}

function asArrays(view: string): string {
  return `(SELECT (groupArray(id), groupArray(person)) FROM ${view} WHERE ${IN_SCOPE})`;
}

/** SQL of the person (Nullable(String)) that two ids, SQL of Nullable(String) each, speak of. Needs {@link withPeople}. */
export function personOf(userId: string, anonymousId: string): string {
  const own = `ifNull(coalesce(${userId}, ${anonymousId}), '')`;
  return personOfId(own, `isNull(${userId})`);
}

/**
 * SQL of an event's own id with a letter before it that says of which kind it is, NULL without any. Where events are
 * grouped they are grouped by this first, and {@link personOfOwnId} looks up each group and not each event.
 */
export const OWN_ID = "concat(if(isNull(user_id), 'a', 'u'), coalesce(user_id, anonymous_id))";

/** SQL of the person (Nullable(String)) of an {@link OWN_ID} (String, empty for none). Needs {@link withPeople}. */
export function personOfOwnId(ownId: string): string {
  return personOfId(`substring(${ownId}, 2)`, `startsWith(${ownId}, 'a')`);
}

/** Of one id (String, empty for nobody) and whether it is an anonymous id. As few strings are copied as can be. */
function personOfId(id: string, isAnonymous: string): string {
  const key = `if(${isAnonymous}, ${anonymousKey(id)}, ${userKey(id)})`;
  return `nullIf(transform(${key}, people.1, people.2, ${id}), '')`;
}
