import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from './process-tree.js';
import { killQuietly } from './weir-process.js';

/** What a bus says of itself in its file. */
export interface BusFacts {
  readonly pid: number;
  readonly directory: string;
}

/** The buses of a home directory that live. */
export function busesOf(home: string): BusFacts[] {
  const events = join(home, '.weir', 'events');
  return namesIn(events).flatMap((name) => {
    const directory = join(events, name);
    try {
      const { pid } = JSON.parse(readFileSync(join(directory, 'bus.pid'), 'utf8')) as { pid: number };
      return commandLine(pid).includes('_bus') ? [{ pid, directory }] : [];
    } catch {
      // None, or one that ends right now.
      return [];
    }
  });
}

/** kill -9 of every bus of a home directory; how many there were. */
export function killBuses(home: string): number {
  return busesOf(home).filter(({ pid }) => killQuietly(pid)).length;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
