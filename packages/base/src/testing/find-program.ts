import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where packages install servers that are not on every user's PATH. */
const SERVER_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** A program that a test starts. */
export interface Program {
  /** Its file name, such as `nats-server`. */
  readonly name: string;
  /** The Debian package that contains it. */
  readonly debianPackage: string;
  /** Directories to search besides PATH; called again after an installation. */
  readonly directories?: () => readonly string[];
}

/**
 * The path of an installed program; a missing one is installed if the process may do so.
 * @param install default: with `apt-get`, as root
 * @throws Error with the package to install
 */
export async function findProgram(
  program: Program,
  install: (debianPackage: string) => Promise<void> = installAsRoot,
): Promise<string> {
  const found = installed(program);
  if (found !== undefined) return found;
  const cause = await install(program.debianPackage).catch((error: unknown) => error);
  const now = installed(program);
  if (now !== undefined) return now;
  throw new Error(
    `This test needs ${program.name}, which is not installed: install it (Debian: apt-get install ${program.debianPackage}) and put it on PATH`,
    { cause },
  );
}

function installed({ name, directories = () => [] }: Program): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter);
  return [...path, ...directories(), ...SERVER_DIRECTORIES]
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}

/** Test files run concurrently, so apt-get waits for its own lock. */
async function installAsRoot(debianPackage: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-o', 'DPkg::Lock::Timeout=120'];
  await run('apt-get', [...lock, 'update'], { env });
  await run('apt-get', [...lock, 'install', '-y', '--no-install-recommends', debianPackage], { env });
}
