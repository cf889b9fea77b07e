/**
 * Appends lines to a rotated file, each exactly once. A line counts as stored after it was written and flushed.
 *
 * After a failure, the bytes after the last flush are unknown, so the file is reopened and truncated there. At the
 * first opening the file itself determines its end: a torn last line is truncated, and the last complete line (or that
 * of the newest rotated file, if this one is empty) is the last stored record.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RecordPlace } from '../records/record-row.js';
import { readEnd } from './last-record.js';
import { deleteOldest, nextRotated, rotatedFiles, syncDirectory } from './rotated-files.js';

const { O_CREAT, O_RDWR } = constants;

/** Options of {@link UsageFiles}. */
export interface UsageFilesOptions {
  readonly path: string;
  /** Maximum bytes of a file before it is rotated; a longer line gets its own file. */
  readonly maxBytes: number;
  /** Retained rotated files. */
  readonly keep: number;
  /** Whether to create a missing directory. */
  readonly makeDirectory: boolean;
  /** Called when an old file cannot be deleted. */
  readonly onCannotDelete: (error: unknown) => void;
}

/** A line with the place of its record. */
export interface UsageLine extends RecordPlace {
  /** Including the line end. */
  readonly bytes: Uint8Array;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: number;
  /** Bytes on disk. */
  readonly size: number;
}

/** See the head of this file. One call at a time. */
export class UsageFiles {
  readonly #options: UsageFilesOptions;
  #file: OpenFile | null = null;
  /** The file that was open when an operation failed. */
  #failed: { readonly inode: number; readonly size: number } | null = null;
  /** Undefined until the files have been read. */
  #last: RecordPlace | null | undefined;

  constructor(options: UsageFilesOptions) {
    this.#options = options;
  }

  /** Stores lines, except those stored already. Throws system errors; some of the lines may be stored then. */
  async append(lines: readonly UsageLine[]): Promise<void> {
    try {
      await this.#openFile();
      let last = this.#last ?? null;
      const fresh = lines.filter((line) => {
        if (line.logId === last?.logId && line.seq <= last.seq) return false;
        last = line;
        return true;
      });
      let begin = 0;
      while (begin < fresh.length) {
        const count = this.#fitting(fresh, begin);
        if (count === 0) await this.#rotate();
        else await this.#write(fresh.slice(begin, begin + count));
        begin += count;
      }
    } catch (error) {
      await this.#fail();
      throw error;
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = null;
  }

  /** How many lines from `begin` on fit into the open file; none if it is full. */
  #fitting(lines: readonly UsageLine[], begin: number): number {
    let size = this.#file?.size ?? 0;
    let count = 0;
    for (const line of lines.slice(begin)) {
      if (size > 0 && size + line.bytes.length > this.#options.maxBytes) break;
      size += line.bytes.length;
      count += 1;
    }
    return count;
  }

  async #write(lines: readonly UsageLine[]): Promise<void> {
    const file = this.#file;
    const last = lines.at(-1);
    if (file === null || last === undefined) return;
    const bytes = Buffer.concat(lines.map((line) => line.bytes));
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await file.handle.write(
        bytes,
        written,
        bytes.length - written,
        file.size + written,
      );
      written += bytesWritten;
    }
    await file.handle.sync();
    this.#file = { ...file, size: file.size + bytes.length };
    this.#last = { logId: last.logId, seq: last.seq };
  }

  async #rotate(): Promise<void> {
    const { path, keep, onCannotDelete } = this.#options;
    await this.#file?.handle.close();
    this.#file = null;
    await rename(path, await nextRotated(path));
    await this.#openFile();
    await deleteOldest(path, keep).catch(onCannotDelete);
  }

  /** Opens the file, unless the open one still has that name. */
  async #openFile(): Promise<void> {
    const { path, makeDirectory } = this.#options;
    if (this.#file !== null) {
      const found = await stat(path).catch(() => null);
      if (found?.ino === this.#file.inode) return;
      await this.close();
    }
    if (makeDirectory) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, O_RDWR | O_CREAT, 0o600);
    try {
      const { ino: inode, size: found } = await handle.stat();
      const end = await readEnd(handle, path);
      const size = this.#failed?.inode === inode ? Math.min(this.#failed.size, end.bytes) : end.bytes;
      if (size < found) await handle.truncate(size);
      this.#last ??= end.last ?? (await this.#lastRotated());
      // Flush what an earlier process left, because it counts as stored from now on.
      await handle.sync();
      await syncDirectory(dirname(path));
      this.#file = { handle, inode, size };
      this.#failed = null;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #lastRotated(): Promise<RecordPlace | null> {
    const newest = (await rotatedFiles(this.#options.path)).at(-1);
    if (newest === undefined) return null;
    const handle = await open(newest.path, 'r');
    try {
      return (await readEnd(handle, newest.path)).last;
    } finally {
      await handle.close();
    }
  }

  async #fail(): Promise<void> {
    if (this.#file === null) return;
    const { handle, inode, size } = this.#file;
    this.#file = null;
    this.#failed = { inode, size };
    // The disk itself may have failed; the first error was already reported.
    await handle.close().catch(() => undefined);
  }
}
