import type { KeyDefinition } from '../key/key-definition.js';
import { type RegisteredKey, registeredKey } from '../key/registered-key.js';
import { nearNames } from '../near-names.js';
import { checkKey } from './check-key.js';
import { RegistryError, type RegistryProblem } from './registry-error.js';

/**
 * An immutable set of keys. To extend it, create a new registry from its keys.
 *
 * ```ts
 * const registry = new Registry([defineKey({ key: 'shop.order', … })]);
 * const more = new Registry([...registry.listAll(), ...others]);
 * ```
 */
export class Registry {
  readonly #keys: ReadonlyMap<string, RegisteredKey>;
  readonly #sorted: readonly RegisteredKey[];

  /**
   * Validates at run time too, because a keys file may be plain JavaScript.
   *
   * @throws RegistryError with all problems of all keys.
   */
  constructor(definitions: Iterable<KeyDefinition>) {
    const keys = new Map<string, RegisteredKey>();
    const names = new Set<string>();
    const problems: RegistryProblem[] = [];
    let place = 0;
    for (const definition of definitions) {
      place++;
      const { key, problems: found, output } = checkKey(definition);
      problems.push(...found.map((problem) => ({ key, ...problem })));
      if (key === '') {
        problems.push({
          key,
          path: `keys[${place - 1}].key`,
          message: `Key number ${place} has no name. Give one.`,
        });
      } else if (names.has(key)) {
        problems.push({ key, path: 'key', message: `There is another key \`${key}\`. Rename one of them.` });
      } else if (output !== undefined && found.length === 0) {
        keys.set(key, registeredKey(definition, output));
      }
      names.add(key);
    }
    if (problems.length > 0) throw new RegistryError(problems);
    this.#keys = keys;
    this.#sorted = Object.freeze([...keys.values()].sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  /** All keys, sorted by name. */
  listAll(): readonly RegisteredKey[] {
    return this.#sorted;
  }

  /** The key with this name, or undefined. */
  lookup(key: string): RegisteredKey | undefined {
    return this.#keys.get(key);
  }

  /** Similar key names for a misspelt one, nearest first, at most three. */
  suggest(key: string): string[] {
    return nearNames(key, this.#keys.keys());
  }
}
