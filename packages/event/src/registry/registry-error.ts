import { WeirError } from '@weir/base';

/** One problem of a key. */
export interface RegistryProblem {
  /** Name of the key; empty if it has none. */
  readonly key: string;
  /** Location in the definition, such as `params[1].values[0].desc`; position of the key in the list if it has no name. */
  readonly path: string;
  /** What is wrong and how to fix it. */
  readonly message: string;
}

/** The definitions are invalid. `problems` lists all problems of all keys. */
export class RegistryError extends WeirError<'invalid_keys'> {
  readonly problems: readonly RegistryProblem[];

  constructor(problems: readonly RegistryProblem[]) {
    super(
      'invalid_keys',
      problems.map((p) => `${p.key === '' ? '(no name)' : p.key}: ${p.path}: ${p.message}`).join('\n'),
    );
    this.problems = problems;
  }
}
