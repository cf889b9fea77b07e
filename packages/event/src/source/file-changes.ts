import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { cannotRead, isMissing } from './open-file.js';

/** What no watcher tells (links, network file systems) is seen after so long at the latest. Milliseconds. */
const POLL_MS = 1_000;

/** Says when something may have happened to a file, or to one beside it with the same beginning of its name. */
export class FileChanges {
  readonly #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  /** @throws ConsumeError `usage` when the file's directory is not there. */
  constructor(path: string) {
    this.#watcher = watcherOf(dirname(path), (name) => {
      if (name?.startsWith(basename(path)) === false) return;
      this.#hasChanged = true;
      this.#wake?.();
    });
  }

  /** Resolves when something may have changed since it last did, and when `signal` aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, POLL_MS);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
        function done() {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
      });
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}

function watcherOf(directory: string, onChange: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, (_, name) => onChange(name));
    // A watcher that fails leaves the slow look.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch (error) {
    if (isMissing(error)) throw cannotRead(directory, error);
    // As where the system has no watchers left.
    return undefined;
  }
}
