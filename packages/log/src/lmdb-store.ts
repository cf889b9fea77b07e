import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { type DirectoryLock, lockDirectory } from './directory-lock.js';
import { DiskRoom, type DiskRoomOptions } from './disk-room.js';
import { LogError } from './log-error.js';
import type { Change, KeyRange, Pair, Store } from './store.js';

const ENOSPC = 28;
const EDQUOT = 122;
const EIO = 5;
const MDB_MAP_FULL = -30792;

/**
 * LMDB as the store: one B+tree, copy-on-write, one writer.
 *
 * `overlappingSync` is off: LMDB then syncs the pages, writes the meta page with O_DSYNC, and only then is the commit
 * visible and its promise resolved. What can be read is durable, and a failed sync fails its commit. (Overlapped
 * syncs measured slower here, and make a commit visible before it is on disk.) `eventTurnBatching` is off because it
 * leaves a promise nobody can handle when a commit fails.
 */
export class LmdbStore implements Store {
  readonly engine = 'lmdb';
  readonly #db: RootDatabase<Buffer, Buffer>;
  readonly #lock: DirectoryLock;
  readonly #room: DiskRoom;
  #failure: LogError | undefined;

  private constructor(db: RootDatabase<Buffer, Buffer>, lock: DirectoryLock, room: DiskRoom) {
    this.#db = db;
    this.#lock = lock;
    this.#room = room;
  }

  /**
   * Opens the store in `dir`, making it if absent.
   * @throws LogError `locked`
   */
  static async open(dir: string, o: DiskRoomOptions = {}): Promise<LmdbStore> {
    const lock = await lockDirectory(dir);
    try {
      const file = join(dir, 'log.mdb');
      const db = open<Buffer, Buffer>({
        path: file,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        eventTurnBatching: false,
      });
      return new LmdbStore(db, lock, await DiskRoom.open(dir, file, o));
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
    for (;;) {
      const error = await this.#write(changes);
      if (error === undefined) return;
      if (!(await this.#isFull(error))) {
        this.#failure = new LogError('log_failed', 'the log could not be written; it must be opened again', {
          cause: error,
        });
        throw this.#failure;
      }
      if (essential && (await this.#room.dropBallast())) continue;
      throw new LogError('log_full', 'no space is left on the disk of the log', { cause: error });
    }
  }

  hasRoom(liveBytes: number): boolean {
    return this.#room.hasRoom(liveBytes);
  }

  async close(): Promise<void> {
    await this.#db.close();
    await this.#lock.release();
  }

  /** Commits, and answers with what LMDB has against it. */
  async #write(changes: readonly Change[]): Promise<unknown> {
    try {
      await this.#db.batch(() => {
        for (const [key, value] of changes) {
          if (value === undefined) this.#db.remove(key);
          else this.#db.put(key, value);
        }
      });
      return undefined;
    } catch (error) {
      return await reasonOf(error);
    }
  }

  async #isFull(error: unknown): Promise<boolean> {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === ENOSPC || code === EDQUOT || code === MDB_MAP_FULL) {
      await this.#room.check();
      return true;
    }
    return code === EIO && (await this.#room.isFull());
  }
}

function bounds(o: KeyRange): { start: Buffer; end: Buffer; limit?: number } {
  return { start: o.from, end: o.to, ...(o.limit === undefined ? {} : { limit: o.limit }) };
}

/** lmdb rejects with a general error whose `commitError` is a promise that rejects with the reason. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    return await error.commitError;
  } catch (reason) {
    return reason;
  }
}
