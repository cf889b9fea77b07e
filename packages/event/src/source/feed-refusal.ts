import { retryAfterMs } from '@weir/base';
import * as z from 'zod';
import { ConsumeError } from '../consume-error.js';
import { SourceGap, SourceInterrupted } from './source-errors.js';

/** What the feed says of a cursor whose next items are gone. */
export function feedGap(document: unknown): SourceGap {
  const { oldest, missed, detail } = gap.parse(document);
  // Without one the whole feed is another: what it holds is all new.
  return new SourceGap(detail ?? 'what came after the cursor is no longer kept', {
    oldest: oldest ?? 'earliest',
    missed,
  });
}

const gap = z.object({
  oldest: z.string().optional(),
  missed: z.number().optional(),
  detail: z.string().optional(),
});

const problem = z.object({
  code: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
});

/** The error that an answer other than 200 of the feed is. */
export async function feedRefusal(
  response: Response,
  now: number,
): Promise<SourceInterrupted | SourceGap | ConsumeError> {
  const { status } = response;
  const document: unknown = await response.json().catch(() => ({}));
  if (status === 410) return feedGap(document);
  const { code = `http_${status}`, detail, hint } = problem.safeParse(document).data ?? {};
  const message = detail ?? `the server answered ${status}`;
  if (status === 429 || status >= 500) {
    return new SourceInterrupted(message, {
      waitMs: retryAfterMs(response.headers.get('retry-after'), now) ?? 0,
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
