/**
 * A small JSON file that outlives the process: written whole beside its place, flushed, and renamed over it, so
 * that a reader finds the old content or the new, never half of one. Mode 0600.
 */

import { readFileSync } from 'node:fs';
import { codeOf } from '@weir/base';
import { writePrivateFile } from '@weir/base/node';

/** One file, written by one owner. Writes queue up; a later one replaces one that has not begun. */
export class CacheFile {
  readonly #path: string;
  #next: (() => unknown) | null = null;
  #writing: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** The content, or undefined where there is none. Throws where it cannot be read or is no JSON. */
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

  /** Writes what `content` returns when its turn comes; resolves when that, or something later, is on the disk. */
  write(content: () => unknown): Promise<void> {
    this.#next = content;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  async #drain(): Promise<void> {
    // A turn of the event loop later, so that what changes together is written together.
    await new Promise(setImmediate);
    try {
      for (let content = this.#next; content !== null; content = this.#next) {
        this.#next = null;
        await writePrivateFile(this.#path, JSON.stringify(content()));
      }
    } finally {
      // In the same step as the last look at `#next`: whoever comes later begins anew.
      this.#writing = null;
    }
  }
}
