import { WeirError } from '@weir/base';

/** One problem of the given params. */
export interface ParamProblem {
  readonly param: string;
  readonly message: string;
  /** The next step. */
  readonly hint: string;
}

/** The given params do not fit the key; nothing was started. `problems` lists all of them. */
export class ParamsError extends WeirError<'invalid_params'> {
  readonly problems: readonly ParamProblem[];

  constructor(problems: readonly ParamProblem[]) {
    super('invalid_params', problems.map((p) => `${p.message} ${p.hint}`).join('\n'));
    this.problems = problems;
  }
}
