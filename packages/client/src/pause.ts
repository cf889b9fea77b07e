import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/**
 * Waits before the next attempt: longer each time up to 5 s, and never all clients at once.
 * @param attempt 0 for the first
 * @param leastMs what the server asked for
 */
export async function pause(attempt: number, leastMs = 0, signal?: AbortSignal): Promise<void> {
  const backoff = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
  // Whoever aborts looks at the signal afterwards.
  await sleep(Math.max(backoff, leastMs), undefined, signal === undefined ? {} : { signal }).catch(() => {});
}
