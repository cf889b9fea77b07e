import type { Write } from './commit-queue.js';
import type { Appended, Part } from './log.js';
import type { Change } from './store.js';
import type { StreamTable } from './stream-table.js';

/** The appends of one call, written in a commit shared with other calls. */
export class AppendWrite implements Write {
  readonly essential: boolean;
  readonly bytes: number;
  readonly #table: StreamTable;
  readonly #parts: readonly Part[];
  readonly #settled: () => void;
  readonly #resolve: (places: Appended[]) => void;
  readonly #reject: (error: unknown) => void;
  #places: Appended[] = [];

  /** @param settled called before the promise resolves or rejects */
  constructor(
    table: StreamTable,
    parts: readonly Part[],
    bytes: number,
    essential: boolean,
    settled: () => void,
    resolve: (places: Appended[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#table = table;
    this.#parts = parts;
    this.bytes = bytes;
    this.essential = essential;
    this.#settled = settled;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  prepare(changes: Change[]): void {
    this.#places = this.#parts.map((part) => {
      const first = this.#table.append(part, changes);
      return { first, last: first + part.entries.length - 1 };
    });
  }

  done(): void {
    this.#settled();
    this.#resolve(this.#places);
  }

  fail(error: unknown): void {
    this.#settled();
    this.#reject(error);
  }
}
