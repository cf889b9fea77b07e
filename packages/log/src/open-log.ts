import { defined } from '@weir/base';
import type { DiskOptions } from './data-file.js';
import { LmdbStore } from './lmdb-store.js';
import type { Log } from './log.js';
import { MemoryStore } from './memory-store.js';
import { StoredLog } from './stored-log.js';

/** Which engine, and its bounds. */
export type LogOptions = (MemoryLogOptions | LmdbLogOptions) & {
  /**
   * Unix milliseconds, for the epoch, the age of dead entries and the leases of groups; default `Date.now`, and for leases
   * the time in which the process runs.
   */
  readonly now?: () => number;
};

/** A log that ends with the process: for tests, and for those who choose speed over durability. */
export interface MemoryLogOptions {
  readonly engine: 'memory';
  /** Live bytes past which appends fail with `log_full`; default 1 GiB. */
  readonly maxBytes?: number;
}

/** A log in a directory of its own, which is locked while open. */
export interface LmdbLogOptions extends DiskOptions {
  readonly engine: 'lmdb';
  /** The directory; made if absent. */
  readonly path: string;
  /** Live bytes past which appends fail with `log_full`; default 10 GiB. The file can be larger, as it never shrinks. */
  readonly maxBytes?: number;
}

const GIB = 1024 ** 3;

/**
 * Opens a log, making it if there is none.
 *
 * ```ts
 * const log = await openLog({ engine: 'lmdb', path: '/var/lib/weir/log' });
 * const { last } = await log.append('events', [Buffer.from('hello')]);
 * ```
 * @throws LogError `locked` when another process has the directory
 */
export async function openLog(o: LogOptions): Promise<Log> {
  const clocks = { now: o.now ?? Date.now, ...defined({ leaseNow: o.now }) };
  if (o.engine === 'memory') {
    return await StoredLog.open(new MemoryStore(), { ...clocks, maxBytes: o.maxBytes ?? GIB });
  }
  const store = await LmdbStore.open(o.path, o);
  try {
    return await StoredLog.open(store, { ...clocks, maxBytes: o.maxBytes ?? 10 * GIB });
  } catch (error) {
    await store.close();
    throw error;
  }
}
