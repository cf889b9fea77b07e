import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { LogError } from './log-error.js';

/** Disk space that the log must leave free. */
export interface DiskOptions {
  /** The log's file does not grow for appends if less than this would remain free; default 64 MiB. */
  readonly reserveBytes?: number;
}

/** Page counts of LMDB's file. */
export interface FilePages {
  readonly size: number;
  /** Number of pages that LMDB has ever used. */
  readonly used: number;
  /** Number of these pages that are free for reuse. */
  readonly free: number;
}

const MIB = 1024 * 1024;
/** Additional growth per allocation, so that few commits need one. */
const STEP = 2 * MIB;
/** Space that appends leave for writes that free space. */
const ESSENTIAL = 8 * MIB;
/** After a rejection, appends are rejected without a check for this long. */
const REFUSE_MS = 250;

/**
 * Allocates disk space for LMDB's file in advance, by writing zeros after its last page between commits.
 *
 * LMDB itself must never meet a full disk. Its error message for ENOSPC overruns a 100-byte buffer (lmdb 3.5.6,
 * `mdb_page_flush`: `sprintf` into `malloc(100)`) and crashes the process. In addition, LMDB needs new pages to delete
 * old ones, so trimming would be impossible on a disk that other programs have filled. Checking before each commit that
 * its maximum space is already allocated prevents both.
 */
export class DataFile {
  readonly #dir: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #reserve: number;
  readonly #pages: () => FilePages;
  /** Allocated size of the file. */
  #allocated: number;
  /** Upper bound of the size that LMDB has used; exact after each look. */
  #used: number;
  /** True if the last append was rejected. */
  #refused = false;
  #askAgainAt = -Infinity;

  private constructor(
    dir: string,
    path: string,
    file: FileHandle,
    allocated: number,
    pages: () => FilePages,
    o: DiskOptions,
  ) {
    this.#dir = dir;
    this.#path = path;
    this.#file = file;
    this.#pages = pages;
    this.#reserve = o.reserveBytes ?? 64 * MIB;
    const { size, used } = pages();
    this.#used = size * used;
    this.#allocated = Math.max(allocated, this.#used);
  }

  /** @param pages asks LMDB; called only between commits */
  static async open(dir: string, path: string, pages: () => FilePages, o: DiskOptions): Promise<DataFile> {
    const file = await open(path, 'r+');
    const { size, blocks } = await file.stat();
    // A sparse copy of the file has holes where zeros were written; allocate them again.
    return new DataFile(dir, path, file, blocks * 512 >= size ? size : 0, pages, o);
  }

  /**
   * Ensures that a commit cannot run out of disk space. Call it only between commits.
   * @param need maximum number of bytes of the commit
   * @throws LogError `log_full`
   */
  async makeRoom(need: number, essential: boolean): Promise<void> {
    const wanted = need + (essential ? 0 : ESSENTIAL);
    if (this.#used + wanted > this.#allocated) {
      const { size, used, free } = this.#pages();
      this.#used = used * size;
      if (this.#used + wanted > this.#allocated) await this.#grow(wanted, essential);
      if (this.#used + wanted > this.#allocated && !this.#canReuse(need, free * size, essential)) {
        if (!essential) this.#refused = true;
        this.#askAgainAt = performance.now() + REFUSE_MS;
        throw new LogError('log_full', 'the disk of the log is full: appends wait until space is freed');
      }
    }
    this.#used += need;
    if (!essential) this.#refused = false;
    // This commit may free space: let the next append check again.
    else this.#askAgainAt = -Infinity;
  }

  /** True if an append may be tried; called for every append. */
  hasRoom(): boolean {
    return !this.#refused || performance.now() >= this.#askAgainAt;
  }

  /** True if an append was rejected for lack of disk space and would be rejected again. */
  async isFull(): Promise<boolean> {
    if (!this.#refused) return false;
    const { size, free } = this.#pages();
    return !this.#canReuse(MIB, free * size, false) && (await this.#growth()) < STEP;
  }

  /** True if the path still refers to the open file. Only ENOENT proves the opposite; other errors prove nothing. */
  async isInPlace(): Promise<boolean> {
    try {
      const [named, opened] = await Promise.all([stat(this.#path), this.#file.stat()]);
      return named.ino === opened.ino && named.dev === opened.dev;
    } catch (error) {
      return codeOf(error) !== 'ENOENT';
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** True if freed pages suffice for a commit when the file cannot grow. */
  #canReuse(need: number, free: number, essential: boolean): boolean {
    if (free < 2 * need) return false;
    // Essential writes use single pages, and any free page will do. Appends need contiguous pages; if none are free
    // they use new pages, and some of these must remain for essential writes.
    return essential || this.#used + need + ESSENTIAL / 2 <= this.#allocated;
  }

  /** Number of bytes by which the file may grow for appends. */
  async #growth(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#dir);
    return bavail * bsize - this.#reserve;
  }

  async #grow(wanted: number, essential: boolean): Promise<void> {
    const target = this.#used + wanted + STEP;
    if (!essential && (await this.#growth()) < target - this.#allocated) return;
    const zeros = Buffer.alloc(MIB);
    try {
      while (this.#allocated < target) {
        const { bytesWritten } = await this.#file.write(zeros, 0, zeros.length, this.#allocated);
        if (bytesWritten === 0) return;
        this.#allocated += bytesWritten;
      }
    } catch {
      // The disk is full, or failed. Keep the space allocated so far; the caller checks whether it suffices.
    }
  }
}
