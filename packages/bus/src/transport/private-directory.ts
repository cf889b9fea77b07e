import { lstat } from 'node:fs/promises';
import { makeDirectory } from '@weir/base/node';
import { TransportError } from './transport-error.js';

/**
 * Creates a directory with mode 0700, and its parents. An existing directory is accepted only if this user owns it and
 * no other user can enter it. Its mode is never changed: a directory that was named by mistake could otherwise become
 * inaccessible to the users that share it.
 *
 * @throws TransportError `unsafe_directory`, or `failed` if the directory cannot be created.
 */
export async function makePrivateDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
  } catch (cause) {
    throw new TransportError('failed', `Cannot make the directory ${directory}: ${cause}.`, { cause });
  }
  await requirePrivateDirectory(directory);
}

/**
 * Checks that this user owns the directory and no other user can enter it. In any other directory, another user could
 * have planted a socket that impersonates the bus.
 *
 * @throws TransportError `unsafe_directory`; system errors such as ENOENT.
 */
export async function requirePrivateDirectory(directory: string): Promise<void> {
  // Use lstat, not stat: in a directory that every user can write to, another user could plant a symbolic link.
  const facts = await lstat(directory);
  if (!facts.isDirectory()) {
    throw new TransportError(
      'unsafe_directory',
      `${directory} is not a directory. Remove it, or use another place.`,
    );
  }
  if (facts.uid !== process.getuid?.()) {
    throw new TransportError(
      'unsafe_directory',
      `The directory ${directory} belongs to another user. Use a directory of your own.`,
    );
  }
  if ((facts.mode & 0o077) !== 0) {
    throw new TransportError(
      'unsafe_directory',
      `Others can enter the directory ${directory}. Run: chmod 700 ${directory}`,
    );
  }
}
