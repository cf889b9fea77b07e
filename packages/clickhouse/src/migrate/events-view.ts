import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE } from './scope-condition.js';

/** Variants of a view `events` for kinds of queries. */
export interface EventsViewOptions {
  /** Omits `distinct_id`: then no person is looked up, and links are not read. */
  readonly plain: boolean;
  /** Allows the engine to use conditions on `timestamp` with its index. */
  readonly keyed: boolean;
}

/**
 * The SELECT behind a public view `events`: one row for each event.
 *
 * The engine may use its knowledge of a column before any row policy, and errors in that phase reveal other projects'
 * rows:
 *
 * - It evaluates conditions on a key column on the marks of its index, which are values of any project's rows. A
 *   function that fails on some value reveals when other projects' events happened. `identity()` hides the key; only the
 *   keyed view exposes it, for queries that cannot fail on a time.
 * - It evaluates functions over a column's whole dictionary. So the name is not LowCardinality here (`toString` would
 *   keep the dictionary); because it is in the key too, it is hidden as well.
 */
export function eventsView(names: DatabaseNames, { plain, keyed }: EventsViewOptions): string {
  const person = plain ? '' : `${personOf('user_id', 'anonymous_id')} AS distinct_id,\n  `;
  return `${plain ? '' : `WITH ${withPeople(names)}\n`}SELECT
  event_id,
  identity(CAST(e.event, 'String')) AS event,
  ${person}anonymous_id,
  user_id,
  session_id,
  ${keyed ? 'e.timestamp' : 'identity(e.timestamp)'} AS timestamp,
  properties,
  extras,
  received_at
FROM ${names.base}.events_raw_v1 AS e
WHERE ${IN_SCOPE}`;
}
