import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirectory, unsafeDirectory } from '@weir/base/node';
import { tryLock } from 'fs-native-extensions';
import { LogError } from './log-error.js';

/**
 * A directory that is ours until `release`, or until this process ends in any way. Hold on to it: a lock nobody
 * refers to is closed with its file.
 */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the advisory lock of a directory (made if absent) by locking `<dir>/weir.lock`. The operating system frees it
 * when the process ends, kill -9 included; the file itself means nothing.
 * @throws LogError `locked` when another holder has it, `directory_unsafe` when other users may write to it
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
        `${dir} is in use by another Weir process: stop that one first, or choose another data directory`,
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
