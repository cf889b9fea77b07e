import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is not false, null or undefined.
 * @param what completes "waited 30 s for …"
 */
export async function waitUntil<T>(
  what: string,
  ask: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await sleep(25);
  }
}
