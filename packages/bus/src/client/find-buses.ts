import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '@weir/base';
import { type BusDirectory, directoryAt, eventsDirectory } from '../directory/bus-directory.js';
import { type BusFile, readBusFile } from '../directory/bus-file.js';
import { isLocked } from '../directory/file-lock.js';

/** A bus of this user. */
export interface FoundBus {
  readonly directory: BusDirectory;
  /** Whether its process lives: it holds its lock. */
  readonly isAlive: boolean;
  /** What it said of itself; undefined where it never came so far. */
  readonly file: BusFile | undefined;
}

/** All buses that ran under Weir's own directory, in the order of their names. */
export async function findBuses(home: string, environment: NodeJS.ProcessEnv): Promise<FoundBus[]> {
  const root = eventsDirectory(home);
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  // Others leave files everywhere, such as .DS_Store.
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found = names.toSorted().map(async (name) => {
    const directory = directoryAt(join(root, name), environment);
    return {
      directory,
      isAlive: await isLocked(directory.aliveLock),
      file: await readBusFile(directory),
    };
  });
  return await Promise.all(found);
}
