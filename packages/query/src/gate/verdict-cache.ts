import type { ErrorDetails } from '@weir/base';
import { LRUCache } from 'lru-cache';
import type { Passed } from './gate.js';

/** What the gate found out about a text; it holds for every set of parameter values. */
export type Verdict =
  | {
      readonly passed: Passed;
      /** Parameters the text needs a value for. */
      readonly parameters: readonly string[];
      /** Parameters whose values are time zones. */
      readonly timeZones: readonly string[];
      /** Parameters whose values must be short. */
      readonly short: readonly string[];
    }
  | {
      /** Why, as `sql_not_allowed`. */
      readonly refused: string;
      readonly details: ErrorDetails;
    };

/** Texts may be a quarter megabyte: the cache is bounded in bytes as well as in entries. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The verdicts of texts seen lately. */
export class VerdictCache {
  readonly #cache: LRUCache<string, Verdict>;

  /** @param entries how many texts are remembered; 0 for none */
  constructor(entries: number) {
    this.#cache = new LRUCache({
      max: Math.max(1, entries),
      maxSize: entries === 0 ? 1 : MAX_BYTES,
      sizeCalculation: (verdict, text) =>
        500 + 2 * text.length + ('passed' in verdict ? 2 * verdict.passed.sql.length : 0),
    });
  }

  get(text: string): Verdict | undefined {
    return this.#cache.get(text);
  }

  set(text: string, verdict: Verdict): void {
    this.#cache.set(text, verdict);
  }
}
