/** Small files that only their owner may read: credentials, and states that outlive the process. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from './make-directory.js';

/**
 * Replaces a whole file (mode 0600). It is written under a new temporary name, flushed, and renamed: a reader finds the
 * old or the new content, and the write never follows a link or opens a file that another user has placed there.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await makeDirectory(dirname(path));
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The content of such a file; null if it does not exist, is a link, or belongs to another user. */
export async function readPrivateFile(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && MISSING.has(String(error.code))) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { uid } = await file.stat();
    const isOwn = process.getuid === undefined || uid === process.getuid();
    return isOwn ? await file.readFile('utf8') : null;
  } finally {
    await file.close();
  }
}

/** Missing file, or a link (ELOOP; EMLINK on FreeBSD). */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK']);
