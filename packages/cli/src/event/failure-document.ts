/** Error report of consumers: always one line of JSON on standard error. */
import { CliError } from '../cli-error.js';
import { sentence } from '../output/sentence.js';

interface FailureDocument {
  readonly ok: false;
  readonly error: {
    readonly type: string;
    readonly subtype: string;
    readonly message: string;
    readonly hint: string | null;
  } & FailureFacts;
}

/** Further facts of an error. */
export interface FailureFacts {
  /** The invalid param or option. */
  readonly param?: string;
  /** All problems, if there are several. */
  readonly problems?: readonly object[] | readonly string[];
}

/** Writes an error as a line of JSON; returns it marked as reported. */
export function reportFailure(
  failure: CliError,
  note: (line: string) => void,
  facts: FailureFacts = {},
): CliError {
  const { kind, code, message, reasons } = failure;
  const hint = failure.hint === undefined ? null : sentence(failure.hint);
  const document: FailureDocument = {
    ok: false,
    error: {
      type: kind,
      subtype: code,
      message,
      hint,
      ...(reasons.length === 0 ? {} : { problems: reasons }),
      ...facts,
    },
  };
  note(JSON.stringify(document));
  return new CliError(kind, code, message, { isReported: true, cause: failure });
}
