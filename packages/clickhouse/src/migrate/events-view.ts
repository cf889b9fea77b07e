import { personOf, withPeople } from './identity.js';
import type { DatabaseNames } from './migration.js';
import { IN_SCOPE } from './scope-condition.js';

/** What is left out of a view `events`, or let into it, because of what is known of the question. */
export interface EventsViewOptions {
  /** Whether there is no `distinct_id`: then nobody is looked up, and links are not read. */
  readonly plain: boolean;
  /** Whether the engine may try conditions on `timestamp` on its index. */
  readonly keyed: boolean;
}

/**
 * The SELECT behind a public view `events`: one row an event.
 *
 * What the engine knows of a column it may use before any row policy, and errors of that speak of other projects' rows:
 *
 * - It tries conditions on a key column on the marks of its index, which are values of whoever's rows lie there. A
 *   function that fails on some value tells when other projects' events happened. `identity()` hides the key; it stands
 *   bare only in the keyed view, for questions that cannot fail on a time.
 * - It runs functions over a column's whole dictionary. So the name is no LowCardinality any more (`toString` would
 *   keep the dictionary), and as it is in the key too it is hidden as well.
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
