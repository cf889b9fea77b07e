import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import type { FilePlace } from './file-place.js';

/** Number of leading bytes that distinguish a file from another one that later gets its inode. */
const HEAD_BYTES = 256;

/** An open file that may grow. */
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
   * Opens the file at `path`; undefined if none exists.
   *
   * @throws ConsumeError `usage` if it is not a file, or is not readable.
   */
  static async at(path: string): Promise<OpenFile | undefined> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw new Error('it is not a regular file');
      const file = new OpenFile(handle, `${stats.dev}-${stats.ino}`);
      await file.renew();
      return file;
    } catch (error) {
      await handle?.close();
      if (isMissing(error)) return undefined;
      throw cannotRead(path, error);
    }
  }

  /** The position of a byte within the file. */
  async placeAt(byte: number): Promise<FilePlace> {
    const length = Math.min(byte, HEAD_BYTES);
    if (this.#head.length < length) this.#head = await this.#readHead();
    if (this.#hash?.length !== length) {
      const digest = createHash('sha256').update(this.#head.subarray(0, length)).digest('hex');
      this.#hash = { length, hex: digest.slice(0, 12) };
    }
    return { file: this.id, byte, hash: this.#hash.hex };
  }

  /** True if the position belongs to this file. */
  async has(place: FilePlace): Promise<boolean> {
    if (place.file !== this.id || place.byte > (await this.size())) return false;
    return (await this.placeAt(place.byte)).hash === place.hash;
  }

  /** True if the content up to `byte` is unchanged: the file was not truncated or rewritten. */
  async isWholeTo(byte: number): Promise<boolean> {
    if ((await this.size()) < byte) return false;
    const known = this.#head.subarray(0, byte);
    return (await this.#readHead()).subarray(0, known.length).equals(known);
  }

  /** The file was rewritten: reads its head again. */
  async renew(): Promise<void> {
    this.#head = await this.#readHead();
    this.#hash = undefined;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Reads into `buffer` from a byte position; returns 0 at the end. */
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

/** True if a file-system error means that the file does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** The path cannot be followed. */
export function cannotRead(path: string, cause: unknown): ConsumeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ConsumeError('usage', 'cannot_read', `Cannot follow ${path}: ${reason}.`, {
    param: 'path',
    hint: 'Give the path of a file that you may read, or - for standard input.',
    cause,
  });
}
