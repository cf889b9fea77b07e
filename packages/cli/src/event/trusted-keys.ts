/**
 * Files of keys whose code its user trusts. A directory that was cloned or unpacked may bring a file of keys, and a
 * command that is only asked for a list must not run it.
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

/** The file that is read where none is named. */
export const DEFAULT_KEYS_FILE = 'weir.keys.mjs';

/** Whether the user has trusted a file, and no other user can have changed it. */
export async function isTrusted(path: string, env: Environment): Promise<boolean> {
  const real = await realpath(path);
  return (await trustedFiles(env)).includes(real) && (await whoElseWrites(real)) === null;
}

/**
 * Trusts a file from now on, whatever it holds later.
 * @throws CliError `usage` for a file that is not there, or that others may change
 */
export async function trust(path: string, env: Environment): Promise<string> {
  const real = await realpath(path).catch(() => {
    throw usageError(`there is no file ${path}`, 'Name the file of keys, or be where it is');
  });
  const reason = await whoElseWrites(real);
  if (reason !== null) throw usageError(reason, 'Make it yours alone: chmod go-w, chown');
  const files = await trustedFiles(env);
  if (!files.includes(real)) await write([...files, real], env);
  return real;
}

/** Trusts a file no more; false where it was not trusted. */
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

/** What lets another user change a file, as a sentence; null for nothing. */
async function whoElseWrites(path: string): Promise<string | null> {
  const uid = process.getuid?.();
  if (uid === undefined) return null;
  for (const one of [path, dirname(path)]) {
    const { mode, uid: owner } = await stat(one);
    if (owner !== uid && owner !== 0) return `${one} belongs to another user`;
    // In a sticky directory, such as /tmp, others cannot replace the file.
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
