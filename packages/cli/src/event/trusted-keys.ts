/**
 * Keys files whose code the user trusts. A cloned or unpacked directory may contain a keys file, and a command that
 * only lists keys must not run it.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writePrivateFile } from '@weir/base/node';
import { z } from 'zod';
import { usageError } from '../cli-error.js';
import { readJsonFile } from '../connection/json-file.js';
import { weirHome } from '../connection/profiles.js';
import type { Environment } from '../connection/sources.js';

const trustedFile = z.object({ files: z.array(z.string()).default([]) });

/** The keys file that is loaded by default. */
export const DEFAULT_KEYS_FILE = 'weir.keys.mjs';

/** True if the user has trusted a file and no other user can have changed it. */
export async function isTrusted(path: string, env: Environment): Promise<boolean> {
  const real = await realpath(path);
  return (await trustedFiles(env)).includes(real) && (await whoElseWrites(real)) === null;
}

/**
 * Trusts a file from now on, including later changes.
 * @throws CliError `usage` if the file does not exist, or other users can change it
 */
export async function trust(path: string, env: Environment): Promise<string> {
  const real = await realpath(path).catch(() => {
    throw usageError(`there is no file ${path}`, 'Name the keys file, or run the command in its directory');
  });
  const reason = await whoElseWrites(real);
  if (reason !== null) throw usageError(reason, 'Make it yours alone: chmod go-w, chown');
  const files = await trustedFiles(env);
  if (!files.includes(real)) await write([...files, real], env);
  return real;
}

/** Revokes the trust; returns false if the file was not trusted. */
export async function distrust(path: string, env: Environment): Promise<boolean> {
  const real = await realpath(path).catch(() => path);
  const files = await trustedFiles(env);
  if (!files.includes(real)) return false;
  await write(
    files.filter((file) => file !== real),
    env,
  );
  return true;
}

/** Why another user can change a file, as a sentence; null if none can. */
async function whoElseWrites(path: string): Promise<string | null> {
  const uid = process.getuid?.();
  if (uid === undefined) return null;
  for (const one of [path, dirname(path)]) {
    const { mode, uid: owner } = await stat(one);
    if (owner !== uid && owner !== 0) return `${one} belongs to another user`;
    // In a sticky directory, such as /tmp, other users cannot replace the file.
    const isSticky = one !== path && (mode & 0o1000) !== 0;
    if ((mode & 0o022) !== 0 && !isSticky) return `other users may write to ${one}`;
  }
  return null;
}

async function trustedFiles(env: Environment): Promise<readonly string[]> {
  return (await readJsonFile(pathOf(env), trustedFile))?.files ?? [];
}

async function write(files: readonly string[], env: Environment): Promise<void> {
  await writePrivateFile(pathOf(env), `${JSON.stringify({ files }, null, 2)}\n`);
}

function pathOf(env: Environment): string {
  return join(weirHome(env), 'trusted-keys.json');
}
