/**
 * Template directories: data directories that the build creates once, so that a first start copies files instead of
 * creating a database. They are a cache: a template is identified by the versions that it was made from, so a stale one
 * is never used, and everything that uses one works without it.
 *
 * A template and a copy of one get their final name by a rename after their files are on disk. A directory that a crash
 * left incomplete has another name, and the next try removes it.
 */
import { createHash } from 'node:crypto';
import { existsSync, constants as fsConstants, readFileSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** The path of the cache in a `node_modules` directory: build tools use `.cache`, and `npm ci` removes it. */
const CACHE = join('.cache', 'weir');

/** One template: its name, and everything that its content depends on. */
export interface TemplateKind {
  /** A word for the file name, such as `postgres`. */
  readonly name: string;
  /** Versions and statements that the content was made from; a change of any of them yields another template. */
  readonly madeFrom: readonly string[];
}

/** The file name of a template in the cache. */
export function templateName({ name, madeFrom }: TemplateKind): string {
  const hash = createHash('sha256').update(JSON.stringify(madeFrom)).digest('hex');
  return `${name}-${hash.slice(0, 16)}`;
}

/**
 * The path of a template; undefined if the build created none for these versions.
 * @param from a directory; its own `node_modules` and those of its parents are searched, as Node searches for packages
 */
export function findTemplate(kind: TemplateKind, from: string = import.meta.dirname): string | undefined {
  const name = templateName(kind);
  for (const modules of moduleDirectories(from)) {
    const path = join(modules, CACHE, name);
    if (existsSync(path)) return path;
  }
  return undefined;
}

/** Options of {@link makeTemplate}. */
export interface MakeTemplateOptions {
  /** The `node_modules` directory whose cache receives the template. */
  readonly modules: string;
  /** Creates the content in an empty directory, and returns the path in it that becomes the template. */
  readonly fill: (scratch: string) => Promise<string>;
}

/**
 * Creates a template unless it exists, and removes those of the same name that were made from other versions.
 * @returns whether it was created now
 */
export async function makeTemplate(
  kind: TemplateKind,
  { modules, fill }: MakeTemplateOptions,
): Promise<boolean> {
  const cache = join(modules, CACHE);
  const name = templateName(kind);
  if (existsSync(join(cache, name))) return false;
  await mkdir(cache, { recursive: true });
  for (const other of await readdir(cache)) {
    if (other.startsWith(`${kind.name}-`)) await rm(join(cache, other), { recursive: true, force: true });
  }
  // A unique name, because two builds may run concurrently.
  const scratch = await mkdtemp(join(cache, `draft-${kind.name}-`));
  try {
    const content = await fill(scratch);
    await openToReaders(content);
    return await renameUnlessThere(content, join(cache, name));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Copies a template to `target`, which must not exist. Only their owner can access directories of the copy. On return
 * the copy is on disk; a crash before leaves at most `<target>.new`, which the next call replaces. The caller must keep
 * other processes from the same target.
 */
export async function copyTemplate(template: string, target: string): Promise<void> {
  const draft = `${target}.new`;
  await rm(draft, { recursive: true, force: true });
  try {
    await copyTree(template, draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await flush(dirname(target));
}

/**
 * The installed version of a package.
 * @param importer `import.meta.url` of a file that may import it
 */
export function installedVersion(name: string, importer: string): string {
  // Not `resolve('name/package.json')`: a package with `exports` may not export that file.
  for (
    let directory = dirname(createRequire(importer).resolve(name));
    dirname(directory) !== directory;
    directory = dirname(directory)
  ) {
    const file = join(directory, 'package.json');
    if (!existsSync(file)) continue;
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isPackage(read) && read.name === name) return read.version;
  }
  throw new Error(`the package ${name} has no package.json above its entry`);
}

function isPackage(value: unknown): value is { readonly name: string; readonly version: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'version' in value &&
    typeof value.version === 'string'
  );
}

/** `node_modules` of a directory and of its parents, nearest first. */
function moduleDirectories(from: string): string[] {
  const found: string[] = [];
  for (let directory = from; ; directory = dirname(directory)) {
    found.push(basename(directory) === 'node_modules' ? directory : join(directory, 'node_modules'));
    if (dirname(directory) === directory) return found;
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const source = join(from, entry.name);
      const copy = join(to, entry.name);
      if (entry.isDirectory()) return await copyTree(source, copy);
      if (entry.isSymbolicLink()) return await symlink(await readlink(source), copy);
      // A file system that can share blocks does so; others copy.
      await copyFile(source, copy, fsConstants.COPYFILE_FICLONE);
      await chmod(copy, 0o600);
      await flush(copy);
    }),
  );
  await flush(to);
}

/** Makes a tree readable by all, because the build may run as another user than the server. It contains no secret. */
async function openToReaders(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await openToReaders(path);
    else if (entry.isFile()) await chmod(path, 0o644);
  }
}

/** Renames a directory; false if a complete one of that name exists. */
async function renameUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (existsSync(to)) return false;
    throw error;
  }
}

/** Flushes a file or directory to disk. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
