import type { Session } from 'chdb';
import { literal } from './sql-text.js';

/** What a query has used so far, by the engine's own account. */
export interface QueryUsed {
  readonly readRows: number;
  readonly readBytes: number;
  /** Peak. */
  readonly memoryBytes: number;
}

const NOTHING: QueryUsed = { readRows: 0, readBytes: 0, memoryBytes: 0 };

/**
 * Asks the engine's process list what a running query has used: chDB's streams do not say. By an answer's first block
 * most of the work is done, and a query of one block is done whole.
 */
export class QueryUsage {
  readonly #session: Session;

  /** @param session an admin's, for constant statements only */
  constructor(session: Session) {
    this.#session = session;
  }

  /** What runs in the session with this comment has used; zeros where it has ended. */
  async of(comment: string): Promise<QueryUsed> {
    const answer = await this.#session.queryAsync(
      `SELECT read_rows, read_bytes, peak_memory_usage FROM system.processes WHERE Settings['log_comment'] = ${literal(comment)} LIMIT 1`,
      { format: 'TabSeparated' },
    );
    const [readRows, readBytes, memoryBytes] = answer.text().trim().split('\t').map(Number);
    if (readRows === undefined || readBytes === undefined || memoryBytes === undefined) return NOTHING;
    return { readRows, readBytes, memoryBytes };
  }
}
