import { WeirError } from '@weir/base';

/** One thing wrong with the params given. */
export interface ParamProblem {
  /** The param's name as given. */
  readonly param: string;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** The params given do not fit the key; nothing was started. `problems` has every one, not only the first. */
export class ParamsError extends WeirError<'invalid_params'> {
  readonly problems: readonly ParamProblem[];

  constructor(problems: readonly ParamProblem[]) {
    super('invalid_params', problems.map((p) => `${p.message} ${p.hint}`).join('\n'));
    this.problems = problems;
  }
}
