import { ParamsError } from '@weir/event';
import { ConsumeError } from '@weir/event/consume';
import { CliError } from '../cli-error.js';
import type { FailureFacts } from './failure-document.js';

/** Converts any error of a consumer into the command's error and further facts. */
export function consumeFailure(error: unknown): { failure: CliError; facts: FailureFacts } {
  if (error instanceof ParamsError) {
    const [first] = error.problems;
    if (first === undefined) return { failure: CliError.from(error), facts: {} };
    const { param, message, hint } = first;
    const problems = error.problems.length > 1 ? { problems: error.problems } : {};
    return {
      failure: new CliError('usage', error.code, message, { hint, cause: error }),
      facts: { param, ...problems },
    };
  }
  if (error instanceof ConsumeError) {
    const { hint, param } = error;
    return {
      failure: new CliError(error.kind, error.code, error.message, { hint, cause: error }),
      facts: param === undefined ? {} : { param },
    };
  }
  return { failure: CliError.from(error), facts: {} };
}
