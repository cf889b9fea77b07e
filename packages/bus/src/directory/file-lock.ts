import { type FileHandle, open } from 'node:fs/promises';
import { codeOf, pause } from '@weir/base';
import { tryLock } from 'fs-native-extensions';

/** An advisory lock of a file: ours until `release`, or until this process ends in any way, kill -9 included. */
export interface FileLock {
  release(): Promise<void>;
}

/** How often a lock that is taken is tried again. */
const RETRY_MS = 20;

/** Locks a file, made if absent, waiting so long for another holder; undefined where that was not long enough. */
export async function lockFile(path: string, waitMs: number): Promise<FileLock | undefined> {
  const file = await open(path, 'a+', 0o600);
  const deadline = performance.now() + waitMs;
  while (!tryLock(file.fd)) {
    if (performance.now() >= deadline) {
      await file.close();
      return undefined;
    }
    await pause(RETRY_MS);
  }
  return lockOf(file);
}

/** Whether somebody holds the lock of a file. Looking takes it for an instant. */
export async function isLocked(path: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    return !tryLock(file.fd);
  } finally {
    await file.close();
  }
}

function lockOf(file: FileHandle): FileLock {
  let released: Promise<void> | undefined;
  return {
    release: () => {
      released ??= file.close();
      return released;
    },
  };
}
