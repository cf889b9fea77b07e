import { OpenFile } from './open-file.js';

/** How many files that were renamed are looked at: `<path>.1` to `<path>.9`, the newest first. */
const RENAMED = 9;

/**
 * The file that `isIt` knows, and all that came after it, in their order: as rotation leaves them, the newest at `path`
 * itself, those before at `path.1` and so on. None where it is not among them.
 */
export async function filesFrom(
  path: string,
  isIt: (file: OpenFile) => Promise<boolean> | boolean,
): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  for (let age = 0; age <= RENAMED; age += 1) {
    const file = await OpenFile.at(age === 0 ? path : `${path}.${age}`);
    // Rotation renames one after another, so that any name may be free for a moment.
    if (file === undefined) continue;
    if (files.some(({ id }) => id === file.id)) {
      // It was renamed while we looked. Names are looked at in the order files move, so that none is missed.
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
 * The files that came after this one, up to the last that has something: until then who writes may still write to the
 * one before. None where nothing has come.
 */
export async function filesAfter(path: string, { id }: OpenFile): Promise<OpenFile[]> {
  const newest = await OpenFile.at(path);
  if (newest?.id === id) {
    await newest.close();
    return [];
  }
  const [same, ...later] = await filesFrom(path, (file) => file.id === id);
  // Renamed to something else, or removed: only the newest is known to be its successor.
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

/** Closes files that are not read to their end. */
export async function closeAll(files: readonly OpenFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
