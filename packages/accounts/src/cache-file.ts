/**
 * A small JSON file that outlives the process: written under a temporary name, flushed, and renamed, so that a reader
 * finds the old or the new content. Mode 0600.
 */

import { readFileSync } from 'node:fs';
import { codeOf } from '@weir/base';
import { writePrivateFile } from '@weir/base/node';

/** One file with one writer. Writes queue up; a later write replaces one that has not started. */
export class CacheFile {
  readonly #path: string;
  #next: (() => unknown) | null = null;
  #writing: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** The content; undefined if there is no file. Throws if it cannot be read or is not JSON. */
  read(): unknown {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    return JSON.parse(text);
  }

  /** Writes the result of `content`, called when the write starts; resolves when that or later content is durable. */
  write(content: () => unknown): Promise<void> {
    this.#next = content;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  async #drain(): Promise<void> {
    // A turn of the event loop later, so that concurrent changes are written together.
    await new Promise(setImmediate);
    try {
      for (let content = this.#next; content !== null; content = this.#next) {
        this.#next = null;
        await writePrivateFile(this.#path, JSON.stringify(content()));
      }
    } finally {
      // In the same step as the last check of `#next`: a later caller starts a new write.
      this.#writing = null;
    }
  }
}
