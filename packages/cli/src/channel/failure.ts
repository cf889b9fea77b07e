import { WeirError } from '@weir/client';
import { CliError, type ErrorKind } from '../cli-error.js';

const AUTH: ReadonlySet<string> = new Set(['unauthorized', 'insufficient_scope']);

/** What the client says went wrong, as an error of the command. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof WeirError)) return error;
  const kind: ErrorKind = error.code === 'unreachable' ? 'network' : AUTH.has(error.code) ? 'auth' : 'failed';
  const { code, message, hint, requestId, status } = error;
  return new CliError(kind, code, message, { hint, requestId, status, cause: error });
}
