import { OpenFile } from './open-file.js';

/** Number of rotated files to check: `<path>.1` to `<path>.9`, newest first. */
const RENAMED = 9;

/**
 * Finds the file for which `isIt` is true, and returns it with all newer files, oldest first. Rotation leaves the
 * newest file at `path` and older ones at `path.1` and so on. Returns none if no file matches.
 */
export async function filesFrom(
  path: string,
  isIt: (file: OpenFile) => Promise<boolean> | boolean,
): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  for (let age = 0; age <= RENAMED; age += 1) {
    const file = await OpenFile.at(age === 0 ? path : `${path}.${age}`);
    // Rotation renames file after file, so any of the names may be missing for a moment.
    if (file === undefined) continue;
    if (files.some(({ id }) => id === file.id)) {
      // The file was renamed during the search. Names are searched in the direction in which files move, so none is missed.
      await file.close();
      continue;
    }
    files.unshift(file);
    if (await isIt(file)) return files;
  }
  await closeAll(files);
  return [];
}

/**
 * The files after this one, up to the last non-empty one: while a new file is empty, the writer may still write to the
 * old one.
 */
export async function filesAfter(path: string, { id }: OpenFile): Promise<OpenFile[]> {
  const newest = await OpenFile.at(path);
  if (newest?.id === id) {
    await newest.close();
    return [];
  }
  const [same, ...later] = await filesFrom(path, (file) => file.id === id);
  // If the file was removed or renamed to another pattern, only the newest file is a certain successor.
  const after = same === undefined && newest !== undefined ? [newest] : later;
  await closeAll(
    [same, newest].flatMap((file) => (file === undefined || after.includes(file) ? [] : [file])),
  );
  for (let last = after.at(-1); last !== undefined && (await last.size()) === 0; last = after.at(-1)) {
    await last.close();
    after.pop();
  }
  return after;
}

/** Closes files that were not read to their end. */
export async function closeAll(files: readonly OpenFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
