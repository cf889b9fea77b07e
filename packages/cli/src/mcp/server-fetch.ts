import { boundedFetch } from '@weir/base';
import { errorOfResponse } from '@weir/client/http';
import { failureOf, networkFailure } from '../api/failure.js';

/**
 * Like fetch, for one server, with errors of the command: a problem document or a missing response rejects with a
 * CliError and a hint. Responses in MCP's own format, including errors, are passed on.
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
    // The transport sends GET to probe for a stream, and accepts 405 as "none".
    if (isProblem && response.status !== 405) throw failureOf(await errorOfResponse(response));
    return response;
  };
}
