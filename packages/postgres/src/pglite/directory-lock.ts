import { closeSync, openSync } from 'node:fs';
import { pause } from '@weir/base';
import { tryLock } from 'fs-native-extensions';

/**
 * Takes the lock that keeps a second PGlite out of a data directory (two would destroy it); waits up to
 * `waitMs` for a process that is still ending. The kernel holds the lock until this process ends, for any reason.
 */
export async function lockDirectory(lockFile: string, waitMs: number): Promise<void> {
  const fd = openSync(lockFile, 'a', 0o600);
  for (const deadline = Date.now() + waitMs; !tryLock(fd); await pause(20)) {
    if (Date.now() > deadline) {
      closeSync(fd);
      throw new Error(`another process uses this data directory (${lockFile} is locked)`);
    }
  }
}
