import { firstAbort } from '@weir/base';
import { lostRight } from './right-watch.js';

/**
 * Waits for deliveries of a group as long as their reader is allowed to have them. A reader that loses the right gets what
 * a wait without deliveries ends with; its next call is refused with the reason.
 * @param over the client has left, or the server stops
 */
export async function pullWhile<T>(
  isAllowed: () => Promise<boolean>,
  over: AbortSignal,
  pull: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const either = firstAbort(over, lostRight(isAllowed, done.signal));
  try {
    return await pull(either.signal);
  } finally {
    done.abort();
    either.release();
  }
}
