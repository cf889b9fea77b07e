import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A separate file system that a test can fill. */
export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Mounts a tmpfs of a few MiB: as root, or through `sudo` if that needs no password.
 * @throws Error with the requirements, if mounting is not permitted
 */
export async function smallDisk(mebibytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'weir-disk-'));
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0},mode=0700`;
  try {
    asRoot('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,${owner}`, 'tmpfs', path]);
  } catch (cause) {
    await rm(path, { recursive: true });
    throw new Error(
      'This test fills a disk and mounts a tmpfs for it: run it on Linux as root, or as a user for whom `sudo -n mount` works',
      { cause },
    );
  }
  return {
    path,
    remove: async () => {
      asRoot('umount', [path]);
      await rm(path, { recursive: true });
    },
  };
}

function asRoot(command: string, arguments_: readonly string[]): void {
  const isRoot = process.getuid?.() === 0;
  const [program, ...rest] = isRoot ? [command, ...arguments_] : ['sudo', '-n', command, ...arguments_];
  execFileSync(program, rest, { stdio: 'pipe' });
}
