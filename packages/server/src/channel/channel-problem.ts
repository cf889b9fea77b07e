import type { ChannelError } from '@weir/channel';
import { Problem, type ProblemExtras } from '../http/problem.js';

/** A failure of a channel as a problem document. */
export function problemOfChannel(error: ChannelError): Problem {
  const { status, code, message, hint, limit, oldest, cursor, retryAfterMs } = error;
  const extras: ProblemExtras = {
    hint,
    ...(limit !== undefined && { limit }),
    ...(oldest !== undefined && { oldest }),
    ...(cursor !== undefined && { cursor }),
    ...(retryAfterMs !== undefined && { retryAfterMs, retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }),
    ...(code === 'draining' && { retryAfterSeconds: 1 }),
  };
  return new Problem(status, code, message, extras, { cause: error });
}
