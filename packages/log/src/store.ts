import type { LogError } from './log-error.js';

/** A put (with a value) or a removal (without) of one key. */
export type Change = readonly [key: Buffer, value: Buffer | undefined];

/** Keys from `from` (included) to `to` (excluded), ascending. */
export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly limit?: number;
}

/** A key with its value. */
export interface Pair {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * The ordered key-value store that a `StoredLog` stands on. Reads are synchronous and see every commit that has
 * resolved; keys order by their bytes; values handed out are the caller's own. A range must be walked to its end, or
 * left, before the caller yields to the event loop.
 */
export interface Store {
  readonly engine: 'memory' | 'lmdb';
  get(key: Buffer): Buffer | undefined;
  range(o: KeyRange): Iterable<Pair>;
  keys(o: KeyRange): Iterable<Buffer>;
  /** The pair with the greatest key ≤ `key` that is > `above`. */
  floor(key: Buffer, above: Buffer): Pair | undefined;
  /**
   * Stores all changes or none; resolves when durable. Calls must not overlap.
   * @param essential the changes free space, or allow it to be freed: they may use the reserved space
   * @throws LogError `log_full`, `store_unavailable`
   */
  commit(changes: readonly Change[], essential: boolean): Promise<void>;
  /** True if an append may be tried. Cheap, because it is called for every append. */
  hasRoom(): boolean;
  /** Why the store rejects writes until it is reopened; undefined if it works. */
  readonly failure: LogError | undefined;
  /** True if the storage has no room for appends. Checks the disk. */
  isFull(): Promise<boolean>;
  close(): Promise<void>;
}
