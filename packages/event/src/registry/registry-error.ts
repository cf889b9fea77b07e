import { WeirError } from '@weir/base';

/** One thing wrong with a key. */
export interface RegistryProblem {
  /** The key's name; empty when it has none. */
  readonly key: string;
  /** Where in the definition, such as `params[1].values[0].desc`; the key's place in the list when it has no name. */
  readonly path: string;
  /** What is wrong and what to do about it. */
  readonly message: string;
}

/** Keys that make no registry. `problems` has everything that is wrong with all of them. */
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
