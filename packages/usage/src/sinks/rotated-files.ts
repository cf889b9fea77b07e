/**
 * Rotated usage files: their name and a number of ten digits, `usage.ndjson.0000000042`. Numbers instead of times, so
 * that their order is that of the records for any clock.
 */
import { open, readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The rotated files of `path`, oldest first, with their numbers. */
export async function rotatedFiles(
  path: string,
): Promise<{ readonly path: string; readonly number: number }[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{10}$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => ({ path: join(dirname(path), name), number: Number(name.slice(prefix.length)) }));
}

/** The name of `path` after its next rotation. */
export async function nextRotated(path: string): Promise<string> {
  const newest = (await rotatedFiles(path)).at(-1)?.number ?? 0;
  return `${path}.${String(newest + 1).padStart(10, '0')}`;
}

/** Deletes all but the newest `keep`. */
export async function deleteOldest(path: string, keep: number): Promise<void> {
  for (const old of (await rotatedFiles(path)).slice(0, -keep)) await unlink(old.path);
}

/** Flushes a directory, so that created, renamed or deleted names are durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
