import type { QueryUse } from '../query-use.js';

/** Queries remembered. Whoever asks does so within a moment of the end. */
const KEPT = 1_000;

/**
 * What the queries that ended last have used, by their tags. An answer's end tells its reader, but one who has left, or
 * was answered with a failure, has to ask.
 */
export class EndedQueries {
  readonly #uses = new Map<string, QueryUse>();

  keep(tag: string, use: QueryUse): void {
    this.#uses.delete(tag);
    this.#uses.set(tag, use);
    const [oldest] = this.#uses.keys();
    if (this.#uses.size > KEPT && oldest !== undefined) this.#uses.delete(oldest);
  }

  /** The use of the last query that ended under exactly this tag; undefined where none is remembered. */
  of(tag: string): QueryUse | undefined {
    return this.#uses.get(tag);
  }
}
