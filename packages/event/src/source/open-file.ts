import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import type { FilePlace } from './file-place.js';

/** How much of a file's beginning tells it from one that later has its number. */
const HEAD_BYTES = 256;

/** A file that is open, with what is known of it while it grows. */
export class OpenFile {
  /** Device and inode. */
  readonly id: string;
  readonly #handle: FileHandle;
  #head: Buffer = Buffer.alloc(0);
  #hash: { readonly length: number; readonly hex: string } | undefined;

  private constructor(handle: FileHandle, id: string) {
    this.#handle = handle;
    this.id = id;
  }

  /**
   * Opens what is at `path` now; undefined when nothing is.
   *
   * @throws ConsumeError `usage` for what is no file, or may not be read.
   */
  static async at(path: string): Promise<OpenFile | undefined> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw new Error('it is no ordinary file');
      const file = new OpenFile(handle, `${stats.dev}-${stats.ino}`);
      await file.renew();
      return file;
    } catch (error) {
      await handle?.close();
      if (isMissing(error)) return undefined;
      throw cannotRead(path, error);
    }
  }

  /** The place of a byte that lies within the file. */
  async placeAt(byte: number): Promise<FilePlace> {
    const length = Math.min(byte, HEAD_BYTES);
    if (this.#head.length < length) this.#head = await this.#readHead();
    if (this.#hash?.length !== length) {
      const digest = createHash('sha256').update(this.#head.subarray(0, length)).digest('hex');
      this.#hash = { length, hex: digest.slice(0, 12) };
    }
    return { file: this.id, byte, hash: this.#hash.hex };
  }

  /** Whether the place is one of this file. */
  async has(place: FilePlace): Promise<boolean> {
    if (place.file !== this.id || place.byte > (await this.size())) return false;
    return (await this.placeAt(place.byte)).hash === place.hash;
  }

  /** Whether what was read up to `byte` is still there: the file has neither become shorter nor begun anew. */
  async isWholeTo(byte: number): Promise<boolean> {
    if ((await this.size()) < byte) return false;
    const known = this.#head.subarray(0, byte);
    return (await this.#readHead()).subarray(0, known.length).equals(known);
  }

  /** It has begun anew: forget how it began before. */
  async renew(): Promise<void> {
    this.#head = await this.#readHead();
    this.#hash = undefined;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Reads into `buffer` from a byte on; 0 at the end. */
  async read(buffer: Buffer, byte: number): Promise<number> {
    return (await this.#handle.read(buffer, 0, buffer.length, byte)).bytesRead;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #readHead(): Promise<Buffer> {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, await this.read(head, 0));
  }
}

/** Whether an error of the file system says that nothing is there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** What was asked for is no file that can be followed. */
export function cannotRead(path: string, cause: unknown): ConsumeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ConsumeError('usage', 'cannot_read', `Cannot follow ${path}: ${reason}.`, {
    param: 'path',
    hint: 'Give the path of a file that you may read, or - for standard input.',
    cause,
  });
}
