import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const READ_BYTES = 256 * 1024;

/**
 * A queue of bytes in a temporary file: appended at its end, read from its start. The file has no name once it is open,
 * so its space is freed however the process ends.
 */
export class SpoolFile {
  readonly #file: FileHandle;
  #written = 0;
  #read = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates a file that only this process can open. */
  static async create(directory: string): Promise<SpoolFile> {
    const path = join(directory, `${randomBytes(16).toString('hex')}.spool`);
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
    const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600);
    try {
      await unlink(path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new SpoolFile(file);
  }

  /** Size of the file, including bytes that were read. */
  get size(): number {
    return this.#written;
  }

  /** Bytes appended and not yet read. */
  get unread(): number {
    return this.#written - this.#read;
  }

  /** Appends all bytes, or none: after a failure the file is unchanged. Calls must not overlap. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#written + done);
      done += bytesWritten;
    }
    this.#written += bytes.length;
  }

  /** Reads the next bytes; empty if there are none. Calls must not overlap. */
  async read(): Promise<Uint8Array> {
    const buffer = new Uint8Array(Math.min(READ_BYTES, this.unread));
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#read);
    this.#read += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  /** Frees the space of a file that was read completely. */
  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#written = 0;
    this.#read = 0;
  }

  /** Closes the file, which removes it. */
  async close(): Promise<void> {
    await this.#file.close();
  }
}
