import { lstat } from 'node:fs/promises';
import { makeDirectory } from '@weir/base/node';
import { TransportError } from './transport-error.js';

/**
 * Makes a directory that only its owner can enter (0700), with those above it. One that is there already is taken as
 * it is if it is ours and nobody else's, and refused otherwise: changing the mode of a directory somebody named by
 * mistake could lock others out of it.
 *
 * @throws TransportError `unsafe_directory`, or `failed` when it cannot be made.
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
 * Makes sure that a directory is ours and nobody else's: in any other, somebody else may have put what we look for.
 *
 * @throws TransportError `unsafe_directory`; errors of the system, such as ENOENT where there is none.
 */
export async function requirePrivateDirectory(directory: string): Promise<void> {
  // Not stat: in a directory that all may write to, a link may lead to a place of somebody else's choice.
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
