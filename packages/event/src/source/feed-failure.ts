import { failureReason, type WeirError } from '@weir/client/http';
import { ConsumeError } from '../consume-error.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** Converts a missing or interrupted response into a retryable error; undefined for any other error. */
export function interruption(error: WeirError): SourceInterrupted | undefined {
  if (error.code === 'unreachable')
    return new SourceInterrupted(failureReason(error.cause), { cause: error });
  if (error.code !== 'interrupted') return undefined;
  return new SourceInterrupted(error.message, { isAnswered: true, cause: error });
}

/** Converts the feed's error `cursor_expired` into a gap. */
export function feedGap({ message, oldest, missed }: WeirError): SourceGap {
  // Without `oldest`, the feed was recreated: read it from its start.
  return new SourceGap(message, { oldest: String(oldest ?? 'earliest'), missed });
}

/** Converts an error of a feed request into an error of the source. */
export function feedFailure(error: WeirError): SourceInterrupted | SourceGap | ConsumeError {
  const { code, status, message, hint } = error;
  const broken = interruption(error);
  if (broken !== undefined) return broken;
  if (status === 410) return feedGap(error);
  if (status === 429 || status >= 500) {
    return new SourceInterrupted(message, {
      waitMs: error.retryAfterMs ?? 0,
      isAnswered: true,
      isLimit: status === 429,
    });
  }
  if (status === 401 || code === 'insufficient_scope') {
    return new ConsumeError('auth', code, message, {
      hint: 'Give an API key of the project with the scope `feed`: weir key create --scope feed.',
    });
  }
  if (status === 400) {
    // The server names its parameter (`after`, start); the user typed --from.
    const isOfStart = /^(?:after|from): |\bstart\b/.test(message);
    const what = isOfStart ? `--from: ${message.replace(/^(?:after|from): /, '')}` : message;
    return new ConsumeError('usage', code, what, {
      param: 'from',
      hint: hint ?? 'Give --from latest, earliest, a cursor of this feed, or a time.',
    });
  }
  if (status === 404) {
    return new ConsumeError('failed', code, message, {
      hint: 'Check --server and --project: the API key must be of that project.',
    });
  }
  return new ConsumeError(status === 403 ? 'auth' : 'failed', code, message, {
    hint: hint ?? 'Ask the operator of the server.',
  });
}
