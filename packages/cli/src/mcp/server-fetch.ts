import { boundedFetch } from '@weir/base';
import { errorOfResponse } from '@weir/client/http';
import { failureOf, networkFailure } from '../api/failure.js';

/**
 * Like fetch, to one server, with the failures of a command: a problem document, or no answer at all, rejects with a
 * CliError that says what to do. Answers in the protocol's own form, errors too, are passed on.
 */
export function serverFetch(server: string): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, { signal, ...init } = {}) => {
    const response = await boundedFetch(url, {
      ...init,
      redirect: 'error',
      signal: signal ?? undefined,
    }).catch((error: unknown) => {
      throw signal?.aborted === true ? error : networkFailure(server, error);
    });
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
    // The transport asks with GET whether there is a stream, and takes 405 for "no".
    if (isProblem && response.status !== 405) throw failureOf(await errorOfResponse(response));
    return response;
  };
}
