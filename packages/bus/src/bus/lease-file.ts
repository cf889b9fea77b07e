import { readFile } from 'node:fs/promises';
import { codeOf } from '@weir/base';
import { writePrivateFile } from '@weir/base/node';
import * as z from 'zod';
import { type Lease, lease } from './lease.js';

const content = z.object({ version: z.literal(1), leases: z.array(lease) });

/**
 * Leases as a file. Written whole beside its place, flushed, and renamed over it, so that a reader finds the old content
 * or the new. Mode 0600.
 */
export class LeaseFile {
  readonly #path: string;
  #next: readonly Lease[] | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The leases of an earlier bus. Throws when the file is there and cannot be read. */
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
        `The leases in ${this.#path} cannot be read. Subscriptions that they name may still be there: look at the file, then remove it.`,
        { cause },
      );
    }
  }

  /** Resolves once these leases, or later ones, are on the disk. */
  write(leases: readonly Lease[]): Promise<void> {
    this.#next = leases;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  /** Resolves once nothing is being written. */
  async written(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  async #drain(): Promise<void> {
    // A turn of the event loop later, so that what changes together is written together.
    await new Promise(setImmediate);
    try {
      for (let leases = this.#next; leases !== undefined; leases = this.#next) {
        this.#next = undefined;
        const document: z.infer<typeof content> = { version: 1, leases: [...leases] };
        await writePrivateFile(this.#path, JSON.stringify(document));
      }
    } finally {
      // In the same step as the last look at `#next`: whoever comes later begins anew.
      this.#writing = undefined;
    }
  }
}
