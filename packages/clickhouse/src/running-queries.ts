import { ClickHouseError } from './clickhouse-error.js';

/**
 * Queries are found again by a tag: a text of the caller's that travels as ClickHouse's `log_comment`. These two
 * statements are the whole vocabulary; the embedded engine recognises them and answers for the requests that have
 * not reached the engine's process list yet as well, so that "none runs" is true there without a gap.
 */

/** Counts what runs under tags that start with `{tag:String}`. */
export const COUNT_RUNNING =
  "SELECT count() AS running FROM system.processes WHERE startsWith(Settings['log_comment'], {tag:String})";

/** Stops what runs under tags that start with `{tag:String}`; returns when it has stopped. */
export const KILL_RUNNING = "KILL QUERY WHERE startsWith(Settings['log_comment'], {tag:String}) SYNC";

/**
 * Refuses a tag that is not plain. A plain one is the same text in a setting, a parameter and a process list; and it
 * is never empty: the empty tag begins every tag, so it would stop whatever else the server does.
 */
export function requireTag(tag: string): void {
  if (!/^[A-Za-z0-9_.:/-]{1,200}$/.test(tag)) {
    throw new ClickHouseError('query', 'a tag has 1 to 200 letters, digits and _ . : / -');
  }
}
