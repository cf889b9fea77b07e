/** Converts failures of requests into errors of the command. */
import { failureReason, type WeirError } from '@weir/client/http';
import { CliError, type ErrorKind } from '../cli-error.js';

/** Next steps in terms of the command line; the server's own hints name HTTP headers. */
export const HINTS: Readonly<Record<string, string>> = {
  unauthorized: 'Check --key, --token or --operator-key and their variables; "weir doctor" tries them all',
  insufficient_scope: 'Use a key with that scope: "weir key create --scope …"',
  ingest_disabled: 'An operator switches it on with "weir ingest enable"',
  sql_required: 'Write a SELECT, such as "SELECT count() FROM events"',
  unreachable: 'Start it with "weir serve", or select another with --server or WEIR_SERVER',
};

/** Converts an error of the client. @param cause for --debug */
export function failureOf(error: WeirError, cause: unknown = error.cause): CliError {
  const { code, message, status, retryable, requestId, retryAfterMs = 0 } = error;
  return new CliError(kindOf(error), code, messageOf(code, message), {
    status,
    retryable,
    hint: HINTS[code] ?? error.hint,
    requestId,
    retryAfterMs: retryAfterMs > 0 ? retryAfterMs : undefined,
    cause,
  });
}

function kindOf({ code, status }: WeirError): ErrorKind {
  if (code === 'unreachable') return 'network';
  const isOfCredential = status === 401 || code === 'unauthorized' || code === 'insufficient_scope';
  return isOfCredential ? 'auth' : 'failed';
}

/** Adds context to the operator's reason, such as "unpaid since March", which does not name the suspension. */
function messageOf(code: string, detail: string): string {
  if (code !== 'suspended' || detail.includes('project')) return detail;
  return `the project is suspended: ${detail}`;
}

/** The error for a missing or interrupted response. */
export function networkFailure(server: string, cause: unknown): CliError {
  return new CliError('network', 'unreachable', `no answer from ${server}: ${failureReason(cause)}`, {
    retryable: true,
    hint: HINTS.unreachable,
    cause,
  });
}
