import { readFile } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { writePrivateFile } from '@weir/base/node';
import * as z from 'zod';
import { type Lease, lease } from './lease.js';

const content = z.object({ version: z.literal(1), leases: z.array(lease) });

/**
 * Persists the leases. Each write goes to a temporary file that is flushed and then renamed, so that a reader sees
 * either the old or the new content. Mode 0600.
 */
export class LeaseFile {
  readonly #path: string;
  #next: readonly Lease[] | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the leases of an earlier bus. Throws if the file exists and is invalid. */
  async read(): Promise<readonly Lease[]> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
    try {
      return content.parse(JSON.parse(text)).leases;
    } catch (cause) {
      throw new Error(
        `The leases in ${this.#path} are invalid. Subscriptions in it may still exist: check the file, then remove it.`,
        { cause },
      );
    }
  }

  /** Resolves once these leases, or newer ones, are on disk. */
  write(leases: readonly Lease[]): Promise<void> {
    this.#next = leases;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  /** Resolves once no write is in progress. */
  async written(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  async #drain(): Promise<void> {
    // Wait for one turn of the event loop to combine changes into one write.
    await new Promise(setImmediate);
    try {
      for (let leases = this.#next; leases !== undefined; leases = this.#next) {
        this.#next = undefined;
        const document: z.infer<typeof content> = { version: 1, leases: [...leases] };
        await writePrivateFile(this.#path, JSON.stringify(document));
      }
    } finally {
      // Reset in the same tick as the last read of `#next`: a later `write` then starts a new drain.
      this.#writing = undefined;
    }
  }
}
