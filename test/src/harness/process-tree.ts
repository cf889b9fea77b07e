import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the processes started by a process, directly or not, itself first. Linux only. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent === null) continue;
    const siblings = children.get(parent) ?? [];
    siblings.push(Number(name));
    children.set(parent, siblings);
  }
  const tree: number[] = [];
  const todo = [pid];
  for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
    tree.push(next);
    todo.push(...(children.get(next) ?? []));
  }
  return tree;
}

/** Whether a process runs; one that has ended and was not yet waited for does not. */
export function isRunning(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== null && stat[stat.lastIndexOf(')') + 2] !== 'Z';
}

/** A process's command line, empty where it has ended. */
export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim() ?? '';
}

/** Resident memory of a process in bytes, 0 where it has ended. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status') ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/**
 * Resident memory of a process that is its own, in bytes. The pages of files that it maps, such as those of the log, are not counted:
 * they are a cache, which the kernel frees when it needs the memory.
 */
export function anonymousBytes(pid: number): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readProc(pid, 'status') ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** Processor time of a process in seconds, user and system, its ended children not counted. */
export function processorSeconds(pid: number): number {
  const stat = readProc(pid, 'stat');
  if (stat === null) return 0;
  // The name in parentheses may hold spaces; the fields after it are numbered from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const CLOCK_TICKS = 100;
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function parentOf(pid: number): number | null {
  const stat = readProc(pid, 'stat');
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}
