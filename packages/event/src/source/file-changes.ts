import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { cannotRead, isMissing } from './open-file.js';

/** Polling interval for changes that the watcher does not report (links, network file systems), in milliseconds. */
const POLL_MS = 1_000;

/** Detects changes of a file, and of files in its directory whose names start with its name (rotation). */
export class FileChanges {
  readonly #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  /** @throws ConsumeError `usage` if the directory does not exist. */
  constructor(path: string) {
    this.#watcher = watcherOf(dirname(path), (name) => {
      if (name?.startsWith(basename(path)) === false) return;
      this.#hasChanged = true;
      this.#wake?.();
    });
  }

  /** Resolves when something may have changed since the last call, or when `signal` aborts. */
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
    // If the watcher fails, polling continues.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch (error) {
    if (isMissing(error)) throw cannotRead(directory, error);
    // Such as when the system has no inotify watches left: polling continues.
    return undefined;
  }
}
