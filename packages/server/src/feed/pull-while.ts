import { firstAbort } from '@weir/base';
import { lostRight } from './right-watch.js';

/**
 * Waits for deliveries of a group while their reader has the right. A reader that loses the right gets an empty result;
 * its next call is refused with the reason.
 * @param over the client disconnected, or the server stops
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
