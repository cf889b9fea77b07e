import { failureReason, type WeirError } from '@weir/client/http';
import { ConsumeError } from '../consume-error.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** An error after which the source is tried again: there was no answer, or the answer broke off. Else undefined. */
export function interruption(error: WeirError): SourceInterrupted | undefined {
  if (error.code === 'unreachable')
    return new SourceInterrupted(failureReason(error.cause), { cause: error });
  if (error.code !== 'interrupted') return undefined;
  return new SourceInterrupted(error.message, { isAnswered: true, cause: error });
}

/** The gap that the feed reports for a cursor whose next items are gone. */
export function feedGap({ message, oldest, missed }: WeirError): SourceGap {
  // Without an oldest place the whole feed is another: what it holds is all new.
  return new SourceGap(message, { oldest: String(oldest ?? 'earliest'), missed });
}

/** The error of the source that an error of a request to the feed is. */
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
    // The server speaks of the start, or of its parameter `after`: neither is the option that was typed.
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
    hint: hint ?? 'Ask who runs the server.',
  });
}
