import { defined } from '@weir/base';
import type { DiskOptions } from './data-file.js';
import { LmdbStore } from './lmdb-store.js';
import type { Log } from './log.js';
import { MemoryStore } from './memory-store.js';
import { StoredLog } from './stored-log.js';

/** Engine and bounds of a log. */
export type LogOptions = (MemoryLogOptions | LmdbLogOptions) & {
  /**
   * Clock in Unix milliseconds, for the epoch, the age of dead entries and the leases of groups. Default: `Date.now`,
   * and for leases the running time of the process.
   */
  readonly now?: () => number;
};

/** A log that ends with the process: for tests, and for applications that prefer speed to durability. */
export interface MemoryLogOptions {
  readonly engine: 'memory';
  /** Live bytes at which appends fail with `log_full`; default 1 GiB. */
  readonly maxBytes?: number;
}

/** A log in its own directory, which is locked while the log is open. */
export interface LmdbLogOptions extends DiskOptions {
  readonly engine: 'lmdb';
  /** The directory; created if absent. */
  readonly path: string;
  /** Live bytes at which appends fail with `log_full`; default 10 GiB. The file can be larger, because it never shrinks. */
  readonly maxBytes?: number;
}

const GIB = 1024 ** 3;

/**
 * Opens a log; creates it if absent.
 *
 * ```ts
 * const log = await openLog({ engine: 'lmdb', path: '/var/lib/weir/log' });
 * const { last } = await log.append('events', [Buffer.from('hello')]);
 * ```
 * @throws LogError `locked` if another process uses the directory
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
