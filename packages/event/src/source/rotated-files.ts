import { OpenFile } from './open-file.js';

/** How many files that were renamed are looked at: `<path>.1` to `<path>.9`, the newest first. */
const RENAMED = 9;

/**
 * The file that `isIt` knows, and all that came after it, in their order: as rotation leaves them, the newest at `path`
 * itself, those before at `path.1` and so on. Undefined where it is not among them.
 */
export async function filesFrom(
  path: string,
  isIt: (file: OpenFile) => Promise<boolean> | boolean,
): Promise<OpenFile[] | undefined> {
  const files: OpenFile[] = [];
  for (let age = 0; age <= RENAMED; age += 1) {
    const file = await OpenFile.at(age === 0 ? path : `${path}.${age}`);
    // Between a rename and the making of a new file nothing is at the path.
    if (file === undefined && age > 0) break;
    if (file === undefined) continue;
    if (files.some(({ id }) => id === file.id)) {
      // It was renamed while we looked.
      await file.close();
      continue;
    }
    files.unshift(file);
    if (await isIt(file)) return files;
  }
  await closeAll(files);
  return undefined;
}

/**
 * The files that came after this one, once the newest has something: until then who writes may still write to the old
 * one. None where nothing has come.
 */
export async function filesAfter(path: string, { id }: OpenFile): Promise<OpenFile[]> {
  const newest = await OpenFile.at(path);
  if (newest === undefined) return [];
  if (newest.id === id || (await newest.size()) === 0) {
    await newest.close();
    return [];
  }
  const files = await filesFrom(path, (file) => file.id === id);
  // Renamed to something else, or removed: only the newest is known to be its successor.
  if (files === undefined) return [newest];
  await newest.close();
  await files.shift()?.close();
  return files;
}

/** Closes files that are not read to their end. */
export async function closeAll(files: readonly OpenFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
