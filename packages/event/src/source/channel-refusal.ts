import { retryAfterMs } from '@weir/base';
import * as z from 'zod';
import { ConsumeError } from '../consume-error.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

const problem = z.object({
  code: z.string().optional(),
  status: z.number().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  oldest: z.number().optional(),
});

/** The error that an answer other than 200 of a channel is. */
export async function channelRefusal(response: Response, now: number): Promise<Error> {
  const document: unknown = await response.json().catch(() => ({}));
  return channelFailure(
    document,
    response.status,
    retryAfterMs(response.headers.get('retry-after'), now) ?? 0,
  );
}

/**
 * The error that a problem of a channel is.
 *
 * @param answered the status, where the problem does not say.
 */
export function channelFailure(document: unknown, answered = 500, waitMs = 0): Error {
  const told = problem.safeParse(document).data ?? {};
  const {
    status = answered,
    code = `http_${status}`,
    detail: message = `the server answered ${status}`,
  } = told;
  if (code === 'cursor_expired' && told.oldest !== undefined) {
    return new SourceGap(message, { oldest: String(told.oldest - 1) });
  }
  if (status === 429 || status >= 500) return new SourceInterrupted(message, { waitMs, isAnswered: true });
  if (status === 401 || code === 'insufficient_scope') {
    return new ConsumeError('auth', code, message, {
      hint: 'Give an API key of the project with the scope `channel`: weir key create --scope channel.',
    });
  }
  const { hint = 'Ask who runs the server.' } = told;
  return new ConsumeError(status === 403 ? 'auth' : 'failed', code, message, { hint });
}
