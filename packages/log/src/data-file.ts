import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { LogError } from './log-error.js';

/** How much disk to leave alone. */
export interface DiskOptions {
  /** The log's file does not grow for appends while less than this would stay free; default 64 MiB. */
  readonly reserveBytes?: number;
}

/** The pages of LMDB's file. */
export interface FilePages {
  readonly size: number;
  /** How many lie before the end of what LMDB ever used. */
  readonly used: number;
  /** How many of those are free to be used again. */
  readonly free: number;
}

const MIB = 1024 * 1024;
/** Grow by so much more than is needed, so that few commits have to. */
const STEP = 2 * MIB;
/** Room that appends leave to what frees space. */
const ESSENTIAL = 8 * MIB;
/** For so long after a refusal appends are refused unasked. */
const REFUSE_MS = 250;

/**
 * Gives LMDB's file its disk space ahead of use, by writing zeros behind its last page between commits.
 *
 * LMDB must never meet a full disk itself: its error message for ENOSPC overruns a 100-byte buffer (lmdb 3.5.6,
 * `mdb_page_flush`: `sprintf` into `malloc(100)`) and takes the process with it. Moreover it needs new pages to delete
 * old ones, so on a disk that others filled, trimming would be impossible without space laid by. Both are met by
 * checking before each commit that what it may need at most is already allocated.
 */
export class DataFile {
  readonly #dir: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #reserve: number;
  readonly #pages: () => FilePages;
  /** Up to here the file has its disk space. */
  #allocated: number;
  /** Up to here, at most, LMDB has used it: exact after each look, an upper bound in between. */
  #used: number;
  /** Whether the last append that asked was refused. */
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

  /** @param pages asks LMDB; only called between commits */
  static async open(dir: string, path: string, pages: () => FilePages, o: DiskOptions): Promise<DataFile> {
    const file = await open(path, 'r+');
    const { size, blocks } = await file.stat();
    // A sparse copy of the file has holes where zeros were: they are then written anew.
    return new DataFile(dir, path, file, blocks * 512 >= size ? size : 0, pages, o);
  }

  /**
   * Makes sure that a commit cannot run out of disk. Call it between commits only.
   * @param need bytes the commit may take at most
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
    // Something may just have been freed: let the next append ask.
    else this.#askAgainAt = -Infinity;
  }

  /** Whether an append may be tried; asked for every one. */
  hasRoom(): boolean {
    return !this.#refused || performance.now() >= this.#askAgainAt;
  }

  /** Whether an append was refused for want of disk and would be again. */
  async isFull(): Promise<boolean> {
    if (!this.#refused) return false;
    const { size, free } = this.#pages();
    return !this.#canReuse(MIB, free * size, false) && (await this.#growth()) < STEP;
  }

  /** Whether the path still names the file that is open. An error other than its absence says nothing. */
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

  /** Whether freed pages can carry a commit that the file cannot grow for. */
  #canReuse(need: number, free: number, essential: boolean): boolean {
    if (free < 2 * need) return false;
    // What is essential takes single pages, of which any will do. An append wants runs of them, and should there be
    // none it takes new pages, which must be there and leave some to what is essential.
    return essential || this.#used + need + ESSENTIAL / 2 <= this.#allocated;
  }

  /** How much the file may grow for appends. */
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
      // The disk is full, or worse: what was gained is kept, and whether it is enough the caller checks.
    }
  }
}
