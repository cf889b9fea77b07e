import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { defined } from '@weir/base';
import { periodically } from '@weir/base/node';
import { open, type RootDatabase } from 'lmdb';
import { DataFile, type DiskOptions, type FilePages } from './data-file.js';
import { type DirectoryLock, lockDirectory } from './directory-lock.js';
import { LogError } from './log-error.js';
import type { Change, KeyRange, Pair, Store } from './store.js';

const MDB_MAP_FULL = -30792;
/** Interval at which the store checks that its file still exists in the directory. */
const PLACE_CHECK_MS = 1_000;

/**
 * An LMDB store: one copy-on-write B+tree with a single writer.
 *
 * `overlappingSync` is off: LMDB syncs the pages, writes the meta page with O_DSYNC, and only then makes the commit
 * visible and resolves its promise. Readable data is therefore durable, and a failed sync fails its commit. (Overlapped
 * syncs measured slower here, and make a commit visible before it is on disk.) `eventTurnBatching` is off because a
 * failed commit would cause an unhandled rejection.
 */
export class LmdbStore implements Store {
  readonly engine = 'lmdb';
  readonly #db: RootDatabase<Buffer, Buffer>;
  readonly #lock: DirectoryLock;
  readonly #file: DataFile;
  readonly #pageSize: number;
  readonly #endWatch: () => void;
  #failure: LogError | undefined;

  private constructor(db: RootDatabase<Buffer, Buffer>, lock: DirectoryLock, file: DataFile) {
    this.#db = db;
    this.#lock = lock;
    this.#file = file;
    this.#pageSize = pagesOf(db).size;
    this.#endWatch = periodically(() => this.#checkPlace(), PLACE_CHECK_MS);
  }

  /**
   * Opens the store in `dir`; creates it if absent.
   * @throws LogError `locked`
   */
  static async open(dir: string, o: DiskOptions = {}): Promise<LmdbStore> {
    const lock = await lockDirectory(dir);
    // The log contains the events of all projects, so its directory must not depend on the modes of its parents.
    await chmod(dir, 0o700);
    try {
      const path = join(dir, 'log.mdb');
      const db = open<Buffer, Buffer>({
        path,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        eventTurnBatching: false,
      });
      const file = await DataFile.open(dir, path, () => pagesOf(db), o);
      return new LmdbStore(db, lock, file);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get(key: Buffer): Buffer | undefined {
    return this.#db.getBinary(key);
  }

  *range(o: KeyRange): Iterable<Pair> {
    yield* this.#db.getRange(bounds(o));
  }

  *keys(o: KeyRange): Iterable<Buffer> {
    yield* this.#db.getKeys(bounds(o));
  }

  floor(key: Buffer, above: Buffer): Pair | undefined {
    for (const pair of this.#db.getRange({ start: key, end: above, reverse: true, limit: 1 })) return pair;
    return undefined;
  }

  async commit(changes: readonly Change[], essential: boolean): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#file.makeRoom(mostBytes(changes, this.#pageSize), essential);
    const error = await this.#write(changes);
    if (error === undefined) return;
    if (error instanceof Error && 'code' in error && error.code === MDB_MAP_FULL) {
      throw new LogError('log_full', 'the log has no address space left', { cause: error });
    }
    // After an I/O error the content of the disk is unknown; only reopening the store can read it reliably.
    const reason = 'the write to the log failed; it must be reopened';
    this.#failure = new LogError('store_unavailable', reason, { cause: error });
    throw this.#failure;
  }

  hasRoom(): boolean {
    return this.#file.hasRoom();
  }

  get failure(): LogError | undefined {
    return this.#failure;
  }

  async isFull(): Promise<boolean> {
    return this.#failure !== undefined || (await this.#file.isFull());
  }

  async close(): Promise<void> {
    this.#endWatch();
    await this.#db.close();
    await this.#file.close();
    await this.#lock.release();
  }

  /** A deleted file can still be written, but its data would be lost on restart, so the store stops. */
  async #checkPlace(): Promise<void> {
    if (this.#failure !== undefined || (await this.#file.isInPlace())) return;
    const reason = 'the file of the log was deleted or replaced; restart the server with its data directory';
    this.#failure = new LogError('store_unavailable', reason);
  }

  /** Commits the changes; returns the error of LMDB, if any. */
  async #write(changes: readonly Change[]): Promise<unknown> {
    try {
      await this.#db.batch(() => {
        for (const [key, value] of changes) {
          // The promise of the batch reports the failure of each change.
          if (value === undefined) void this.#db.remove(key);
          else void this.#db.put(key, value);
        }
      });
      return undefined;
    } catch (error) {
      return await reasonOf(error);
    }
  }
}

function bounds(o: KeyRange): { start: Buffer; end: Buffer; limit?: number } {
  return { start: o.from, end: o.to, ...defined({ limit: o.limit }) };
}

/** lmdb rejects with a general error; its `commitError` is a promise that rejects with the cause. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    return await error.commitError;
  } catch (reason) {
    return reason;
  }
}

/** Upper bound of the space for a commit: pages for values, for leaves that are modified or split, and for LMDB's free list. */
function mostBytes(changes: readonly Change[], pageSize: number): number {
  let pages = 64;
  for (const [, value] of changes) {
    pages += 3;
    if (value !== undefined && value.byteLength > pageSize / 4)
      pages += Math.ceil((value.byteLength + 16) / pageSize);
  }
  return pages * pageSize;
}

/** The result of `getStats`, which lmdb's types do not describe. */
interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function pagesOf(db: RootDatabase<Buffer, Buffer>): FilePages {
  // The cast follows `getStats` in read.js of lmdb 3.5.6; the page counts are those of our only tree.
  const stats = db.getStats() as TreeStats & { pageSize: number; lastPageNumber: number; free: TreeStats };
  const used = stats.lastPageNumber + 1;
  const meta = 2;
  return { size: stats.pageSize, used, free: used - meta - treePages(stats) - treePages(stats.free) };
}

function treePages(t: TreeStats): number {
  return t.treeBranchPageCount + t.treeLeafPageCount + t.overflowPages;
}
