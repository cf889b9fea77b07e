/** The keys of a command: shipped keys, and the user's own keys of a file. */
import { access } from 'node:fs/promises';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type KeyDefinition, type RegisteredKey, Registry, RegistryError } from '@weir/event';
import { shippedKeys } from '@weir/event/keys';
import { CliError, usageError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';
import { DEFAULT_KEYS_FILE, isTrusted } from './trusted-keys.js';

/** The loaded keys. */
export interface KnownKeys {
  readonly registry: Registry;
  /** Absolute path of the user's keys file; undefined if none was loaded. */
  readonly file: string | undefined;
  /** A keys file in the working directory that was skipped because the user has not trusted it. */
  readonly untrusted: string | undefined;
}

/**
 * Loads the shipped keys and the user's own. A keys file is code, so it is loaded only if the user names it, or has
 * trusted the `weir.keys.mjs` of the working directory.
 * @throws CliError `usage` if the file is unreadable or its keys are invalid, with all problems
 */
export async function loadKeys(
  file: string | undefined,
  { cwd, env }: Pick<CliContext, 'cwd' | 'env'>,
): Promise<KnownKeys> {
  const path = resolve(cwd, file ?? DEFAULT_KEYS_FILE);
  if (!(await isThere(path))) {
    if (file !== undefined) throw usageError(`there is no file ${file}`, 'Check the path after --keys');
    return { registry: new Registry(shippedKeys), file: undefined, untrusted: undefined };
  }
  if (file === undefined && !(await isTrusted(path, env))) {
    return { registry: new Registry(shippedKeys), file: undefined, untrusted: path };
  }
  return { registry: await registryWith(path), file: path, untrusted: undefined };
}

/** A note about a skipped file; null if there is none. */
export function untrustedNote({ untrusted }: KnownKeys): string | null {
  if (untrusted === undefined) return null;
  return `${untrusted} was not read: it is code. If you trust it, run "weir event trust" once, or name it by --keys`;
}

async function registryWith(path: string): Promise<Registry> {
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

/** The key with this name. Throws CliError `usage` that suggests similar names, or lists all. */
export function requireKey(known: KnownKeys, name: string): RegisteredKey {
  const { registry } = known;
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
  const note = untrustedNote(known);
  throw new CliError('usage', 'unknown_key', `there is no key "${name}"`, {
    hint: note === null ? hint : `${hint}${near.length > 0 ? '' : '.'} ${note}`,
  });
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

async function definitionsIn(path: string): Promise<KeyDefinition[]> {
  // A keys file may import @weir/event and zod, wherever the command is installed.
  register('./keys-resolver.js', import.meta.url);
  const loaded: unknown = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('usage', 'invalid_keys', `cannot load ${path}: ${reason}`, { cause });
  });
  const keys =
    typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (Array.isArray(keys)) return keys;
  throw new CliError('usage', 'invalid_keys', `${path} exports no list of keys`, {
    hint: 'Write: export default [defineKey({ … })]',
  });
}
