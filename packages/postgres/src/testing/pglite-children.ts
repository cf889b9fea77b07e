import { execFileSync } from 'node:child_process';

/** Process ids of the child processes that create or serve a data directory, by their arguments. */
export function childrenOf(dataDir: string): number[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('pglite-child.js') && line.includes(dataDir))
    .map((line) => Number.parseInt(line, 10));
}
