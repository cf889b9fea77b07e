import type { ErrorDetails } from '@weir/base';
import { LRUCache } from 'lru-cache';
import type { Passed } from './gate.js';

/** The gate's result for a text; valid for all parameter values. */
export type Verdict =
  | {
      readonly passed: Passed;
      /** Parameters that need a value. */
      readonly parameters: readonly string[];
      /** Parameters whose values are time zones. */
      readonly timeZones: readonly string[];
      /** Parameters whose values must be short. */
      readonly short: readonly string[];
    }
  | {
      /** The reason, as `sql_not_allowed`. */
      readonly refused: string;
      readonly details: ErrorDetails;
    };

/** Texts may have 250 kB, so the cache is limited in bytes as well as entries. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The verdicts of recently checked texts. */
export class VerdictCache {
  readonly #cache: LRUCache<string, Verdict>;

  /** @param entries maximum number of texts; 0 for none */
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
