import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '@weir/base';
import { type BusDirectory, directoryAt, eventsDirectory } from '../directory/bus-directory.js';
import { type BusFile, readBusFile } from '../directory/bus-file.js';
import { isLocked } from '../directory/file-lock.js';

/** A bus directory of this user. */
export interface FoundBus {
  readonly directory: BusDirectory;
  /** True if the bus process holds its lock. */
  readonly isAlive: boolean;
  /** Undefined if the bus never finished starting. */
  readonly file: BusFile | undefined;
}

/** All bus directories under Weir's own directory, sorted by name. */
export async function findBuses(home: string, environment: NodeJS.ProcessEnv): Promise<FoundBus[]> {
  const root = eventsDirectory(home);
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  // Ignore foreign files, such as .DS_Store.
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
