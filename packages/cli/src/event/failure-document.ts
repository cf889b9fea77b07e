/** How consumers tell an error: one line of JSON on standard error, whoever reads it. */
import { CliError } from '../cli-error.js';
import { sentence } from '../output/sentence.js';

/** The line. */
interface FailureDocument {
  readonly ok: false;
  readonly error: {
    readonly type: string;
    readonly subtype: string;
    readonly message: string;
    readonly hint: string | null;
  } & FailureFacts;
}

/** What is known of an error besides. */
export interface FailureFacts {
  /** The param or option that is to blame. */
  readonly param?: string;
  /** All of them, where there are several. */
  readonly problems?: readonly object[] | readonly string[];
}

/** Tells an error as a line of JSON; the same error is returned as one that needs no more telling. */
export function tellFailure(
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
