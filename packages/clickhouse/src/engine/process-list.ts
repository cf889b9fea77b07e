import type { Session } from 'chdb';
import { openBareSession, type SessionPlace } from './engine-sessions.js';
import type { Seen } from './query-meter.js';
import { literal } from './sql-text.js';

/**
 * The process list of the engine: the only source for the use of a chDB query, because its streams do not report it and
 * there is no query log. A query is listed until its end was requested; a failed one until its session closes. A lookup
 * occupies one thread for 2.3 ms.
 */
export class ProcessList {
  readonly #place: SessionPlace;
  readonly #comment: string;
  #session: Session | undefined;

  /** @param comment of a session that may see running queries; see scope.ts */
  constructor(place: SessionPlace, comment: string) {
    this.#place = place;
    this.#comment = comment;
  }

  /** The use so far of the query whose session has this comment; undefined if there is none, or the lookup failed. */
  used(comment: string): Seen | undefined {
    try {
      this.#session ??= openBareSession(this.#place, [
        `--log_comment=${this.#comment}`,
        // These features do not help this one statement, and cost a millisecond.
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
      // An engine out of memory cannot answer; the previous figures remain. A failed session would stay in the list
      // that it reads, so close it.
      this.#session?.close();
      this.#session = undefined;
      return undefined;
    }
  }
}
