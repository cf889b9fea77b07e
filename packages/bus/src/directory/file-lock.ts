import { type FileHandle, open } from 'node:fs/promises';
import { codeOf, pause } from '@weir/base';
import { tryLock } from 'fs-native-extensions';

/** An advisory file lock. The system releases it when the process ends in any way, including kill -9. */
export interface FileLock {
  release(): Promise<void>;
}

/** Interval between attempts to get a lock that another process holds. */
const RETRY_MS = 20;

/** Locks a file, creating it if absent; waits up to `waitMs` and returns undefined on timeout. */
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

/** True if another process holds the lock. The check itself holds the lock for an instant. */
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
