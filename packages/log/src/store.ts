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
   * Stores all changes or none; resolves when durable. One at a time.
   * @param essential the changes free space or let others do so: they may use the room kept for that
   * @throws LogError `log_full`, `store_unavailable`
   */
  commit(changes: readonly Change[], essential: boolean): Promise<void>;
  /** Whether an append may be tried. Cheap: asked for every one. */
  hasRoom(): boolean;
  /** Why nothing can be stored until the log is opened again; undefined while it can. */
  readonly failure: LogError | undefined;
  /** Whether the storage has no room for appends. Looks at the disk. */
  isFull(): Promise<boolean>;
  close(): Promise<void>;
}
