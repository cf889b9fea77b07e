import type { QueryUse } from '../query-use.js';

/** Retained queries. A caller asks within a moment after the end. */
const KEPT = 1_000;

/**
 * The use of the queries that ended last, by tag. The end of an answer carries its use, but a reader that disconnected
 * or got an error must ask.
 */
export class EndedQueries {
  readonly #uses = new Map<string, QueryUse>();

  keep(tag: string, use: QueryUse): void {
    this.#uses.delete(tag);
    this.#uses.set(tag, use);
    const [oldest] = this.#uses.keys();
    if (this.#uses.size > KEPT && oldest !== undefined) this.#uses.delete(oldest);
  }

  /** The use of the last query that ended with exactly this tag; undefined if none is retained. */
  of(tag: string): QueryUse | undefined {
    return this.#uses.get(tag);
  }
}
