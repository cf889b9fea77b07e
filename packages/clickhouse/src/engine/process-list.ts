import type { Session } from 'chdb';
import { openBareSession, type SessionPlace } from './engine-sessions.js';
import type { Seen } from './query-meter.js';
import { literal } from './sql-text.js';

/**
 * The engine's process list, the only place that says what a query of chDB's has used: its streams do not, and it has
 * no query log. A query is in it until its end was asked for, a failed one until its session closes. To ask takes
 * 2.3 ms of one thread.
 */
export class ProcessList {
  readonly #place: SessionPlace;
  readonly #comment: string;
  #session: Session | undefined;

  /** @param comment of a session that may see what runs; see scope.ts */
  constructor(place: SessionPlace, comment: string) {
    this.#place = place;
    this.#comment = comment;
  }

  /** What the query whose session has this comment has used so far; undefined where there is none, or none can be asked. */
  used(comment: string): Seen | undefined {
    try {
      this.#session ??= openBareSession(this.#place, [
        `--log_comment=${this.#comment}`,
        // There is nothing to gain by them in this one statement, and a millisecond to lose.
        '--allow_experimental_analyzer=0',
        '--max_threads=1',
        '--query_plan_enable_optimizations=0',
        '--enable_optimize_predicate_expression=0',
      ]);
      const answer = this.#session.query(
        `SELECT read_rows, read_bytes, peak_memory_usage FROM system.processes WHERE Settings['log_comment'] = ${literal(comment)} LIMIT 1`,
        'TabSeparated',
      );
      const [readRows, readBytes, memoryBytes] = answer.trim().split('\t').map(Number);
      if (readRows === undefined || readBytes === undefined || memoryBytes === undefined) return undefined;
      return { readRows, readBytes, memoryBytes };
    } catch {
      // An engine out of memory answers nobody. The figures are then those of the time before; a session that has failed
      // would stay in the list it reads.
      this.#session?.close();
      this.#session = undefined;
      return undefined;
    }
  }
}
