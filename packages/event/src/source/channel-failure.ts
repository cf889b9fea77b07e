import type { WeirError } from '@weir/client/http';
import { ConsumeError } from '../consume-error.js';
import { interruption } from './feed-failure.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** Converts an error of a channel request or stream into an error of the source. */
export function channelFailure(error: WeirError): Error {
  const { code, status, message, hint = 'Ask the operator of the server.', oldest } = error;
  const broken = interruption(error);
  if (broken !== undefined) return broken;
  if (code === 'cursor_expired' && typeof oldest === 'number') {
    return new SourceGap(message, { oldest: String(oldest - 1) });
  }
  // A problem inside a stream may have no status.
  if (status === 0 || status === 429 || status >= 500) {
    return new SourceInterrupted(message, { waitMs: error.retryAfterMs ?? 0, isAnswered: true });
  }
  if (status === 401 || code === 'insufficient_scope') {
    return new ConsumeError('auth', code, message, {
      hint: 'Give an API key of the project with the scope `channel`: weir key create --scope channel.',
    });
  }
  return new ConsumeError(status === 403 ? 'auth' : 'failed', code, message, { hint });
}
