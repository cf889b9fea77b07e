import { lstat, stat } from 'node:fs/promises';

/**
 * Why a directory is not safe for data, as a sentence with the remedy; null if it is safe. Another user with write
 * access could have placed files for Weir to read, or links for it to write through. A directory of root is safe: a
 * container may be given one.
 */
export async function unsafeDirectory(path: string): Promise<string | null> {
  const uid = process.getuid?.();
  if (uid === undefined) return null;
  const isOurs = (owner: number): boolean => owner === uid || owner === 0;
  const link = await lstat(path);
  if (link.isSymbolicLink() && !isOurs(link.uid))
    return `${path} is a link that another user has made: remove it, or name another directory`;
  const { mode, uid: owner } = await stat(path);
  if (!isOurs(owner)) return `${path} belongs to another user: run as that user, or name another directory`;
  if ((mode & 0o022) === 0) return null;
  return `other users may write to ${path}: take that right away with "chmod go-w ${path}", or name another directory`;
}
