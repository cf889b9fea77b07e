import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirectory, unsafeDirectory } from '@weir/base/node';
import { tryLock } from 'fs-native-extensions';
import { LogError } from './log-error.js';

/**
 * A directory lock, held until `release` or until this process ends in any way. Keep a reference to it: garbage
 * collection of the file handle would release the lock.
 */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Locks a directory (created if absent) with an advisory lock on `<dir>/weir.lock`. The operating system releases the
 * lock when the process ends, kill -9 included; the file itself has no meaning.
 * @throws LogError `locked` if another process holds it, `directory_unsafe` if other users can write to the directory
 */
export async function lockDirectory(dir: string): Promise<DirectoryLock> {
  await makeDirectory(resolve(dir));
  const reason = await unsafeDirectory(dir);
  if (reason !== null) throw new LogError('directory_unsafe', reason);
  const file = await open(join(dir, 'weir.lock'), 'a+', 0o600);
  try {
    if (!tryLock(file.fd)) {
      throw new LogError(
        'locked',
        `${dir} is in use by another Weir process: stop it first, or choose another data directory`,
      );
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  let released: Promise<void> | undefined;
  return {
    release: () => {
      released ??= file.close();
      return released;
    },
  };
}
