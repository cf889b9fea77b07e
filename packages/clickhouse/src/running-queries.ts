import { ClickHouseError } from './clickhouse-error.js';

/**
 * Finds queries by a tag, a text of the caller that is sent as ClickHouse's `log_comment`. The embedded engine
 * recognises exactly these two statements and includes requests that have not reached the engine's process list yet, so
 * that "none runs" is true there without a gap.
 */

/** Counts queries whose tag starts with `{tag:String}`. */
export const COUNT_RUNNING =
  "SELECT count() AS running FROM system.processes WHERE startsWith(Settings['log_comment'], {tag:String})";

/** Stops queries whose tag starts with `{tag:String}`; returns when they have stopped. */
export const KILL_RUNNING = "KILL QUERY WHERE startsWith(Settings['log_comment'], {tag:String}) SYNC";

/**
 * Rejects a tag with other characters: only plain ones are the same text in a setting, a parameter and a process list.
 * Also rejects the empty tag: every tag starts with it, so it would stop all work of the server.
 */
export function requireTag(tag: string): void {
  if (!/^[A-Za-z0-9_.:/-]{1,200}$/.test(tag)) {
    throw new ClickHouseError('query', 'a tag has 1 to 200 letters, digits and _ . : / -');
  }
}
