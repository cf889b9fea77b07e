/** The keys a command knows: those that come with Weir, and the user's own from a file. */
import { access } from 'node:fs/promises';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type KeyDefinition, type RegisteredKey, Registry, RegistryError } from '@weir/event';
import { shippedKeys } from '@weir/event/keys';
import { CliError, usageError } from '../cli-error.js';

/** The file that is read where none is named. */
const DEFAULT_FILE = 'weir.keys.mjs';

/** The file that keys of one's own come from, absolute; undefined where there is none. */
export async function keysFile(file: string | undefined, cwd: string): Promise<string | undefined> {
  const path = resolve(cwd, file ?? DEFAULT_FILE);
  return (await isThere(path)) ? path : undefined;
}

/**
 * All keys.
 * @param file named by the user, or undefined for `weir.keys.mjs` of the directory, if it is there
 * @throws CliError `usage` for a file that cannot be read, or whose keys are wrong: all problems at once
 */
export async function loadRegistry(file: string | undefined, cwd: string): Promise<Registry> {
  const path = await keysFile(file, cwd);
  if (path === undefined && file === undefined) return new Registry(shippedKeys);
  if (path === undefined) throw usageError(`there is no file ${file}`, 'Check what stands after --keys');
  const own = await definitionsIn(path);
  try {
    return new Registry([...shippedKeys, ...own]);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const reasons = error.problems.map(
      ({ key, path: at, message }) => `${key || '(no name)'}: ${at}: ${message}`,
    );
    const count = `${reasons.length} problem${reasons.length === 1 ? '' : 's'}`;
    throw new CliError('usage', 'invalid_keys', `${path} has ${count}`, {
      hint: 'Correct the file',
      reasons,
    });
  }
}

/** The key of that name. Throws CliError `usage` with the nearest names, or all of them. */
export function requireKey(registry: Registry, name: string): RegisteredKey {
  const key = registry.lookup(name);
  if (key !== undefined) return key;
  const near = registry.suggest(name);
  const hint =
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : `There are: ${registry
          .listAll()
          .map((one) => one.key)
          .join(', ')}`;
  throw new CliError('usage', 'unknown_key', `there is no key "${name}"`, { hint });
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function definitionsIn(path: string): Promise<KeyDefinition[]> {
  // A file of keys may import @weir/event and zod wherever the command is installed.
  register('./keys-resolver.js', import.meta.url);
  const loaded: unknown = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('usage', 'invalid_keys', `cannot load ${path}: ${reason}`, {}, { cause });
  });
  const keys =
    typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (Array.isArray(keys)) return keys;
  throw new CliError('usage', 'invalid_keys', `${path} exports no list of keys`, {
    hint: 'Write: export default [defineKey({ … })]',
  });
}
