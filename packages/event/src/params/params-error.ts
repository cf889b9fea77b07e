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
export class ParamsError extends Error {
  override readonly name = 'ParamsError';
  readonly code = 'invalid_params';
  readonly retryable = false;
  readonly problems: readonly ParamProblem[];

  constructor(problems: readonly ParamProblem[]) {
    super(problems.map((p) => `${p.message} ${p.hint}`).join('\n'));
    this.problems = problems;
  }
}
