import { MAX_SHORT, SHORT_ARGUMENT } from './functions/bounded-arguments.js';
import { notAllowed } from './gate-refusal.js';
import { constantOf, literalsOf } from './literals.js';
import { type Names, PUBLIC_COLUMNS } from './names-in-scope.js';
import { stringOf, type TreeNode } from './query-tree.js';

/**
 * Checks the arguments of calls that must be short, see {@link SHORT_ARGUMENT}. Allowed are a literal; a parameter,
 * whose value the gate checks; or a column of the public views, whose length events limit.
 */
export class ShortArguments {
  readonly #names: Names;
  readonly #parameters = new Set<string>();
  /** Cached results for names: each may have thousands of meanings and uses. */
  readonly #seen = new Map<string, boolean>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** Parameters whose values must be short. */
  get parameters(): ReadonlySet<string> {
    return this.#parameters;
  }

  /**
   * Checks the arguments of one call.
   *
   * @param name of the function, in lower case
   * @throws QueryError of rule `literal`.
   */
  check(name: string, args: readonly TreeNode[]): void {
    const place = SHORT_ARGUMENT.get(name);
    if (place === undefined) return;
    const candidates = place === 'either' ? args.slice(0, 2) : args.slice(place, place + 1);
    if (!candidates.some((argument) => this.#isShort(argument))) throw tooLong(name);
  }

  #isShort(argument: TreeNode): boolean {
    const name = argument.fields.get('identifier');
    if (name === undefined) return this.#isShortHere(argument);
    const known = this.#seen.get(name);
    if (known !== undefined) return known;
    const short = this.#isColumn(name) || this.#isShortHere(argument);
    this.#seen.set(name, short);
    return short;
  }

  #isShortHere(argument: TreeNode): boolean {
    const meanings = literalsOf(argument, this.#names);
    if (meanings === undefined) return false;
    for (const meaning of meanings) {
      const constant = constantOf(meaning);
      if ((constant.fields.get('constant_value') ?? '').length > MAX_SHORT) return false;
      if (meaning.kind === 'FUNCTION') this.#parameters.add(stringOf(constant) ?? '');
    }
    return true;
  }

  #isColumn(name: string): boolean {
    const parts = name.split('.');
    const column = parts.at(-1) ?? '';
    return (
      parts.length <= 2 &&
      PUBLIC_COLUMNS.has(column) &&
      this.#names.definitionsOf(name).length === 0 &&
      this.#names.definitionsOf(column).length === 0 &&
      !this.#names.lambdaArguments.has(column)
    );
  }
}

/** The rejection of an argument that is computed or too long. */
export function tooLong(name: string): Error {
  return notAllowed(
    'literal',
    name,
    `${name} must be given what it looks for as a literal, a parameter or a column, of at most ${MAX_SHORT} characters.`,
    'Its time grows with the product of both lengths. Write the value out, or send it in params.',
  );
}
