/**
 * The interval of rechecking the right of an open stream's client, in milliseconds. A node learns of credentials
 * changed elsewhere within another 5 s, so a revoked key ends a stream within 10 s.
 */
export const RIGHT_MS = 4_000;

/**
 * A signal that aborts when a right is lost. A failed check aborts it too: the client reconnects and gets the reason.
 * @param isAllowed called every `intervalMs`, and only after the previous call has settled
 * @param over ends the watch
 */
export function lostRight(
  isAllowed: () => Promise<boolean>,
  over: AbortSignal,
  intervalMs = RIGHT_MS,
): AbortSignal {
  const lost = new AbortController();
  let isAsking = false;
  const check = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const mayStay = await answerOf(isAllowed);
    isAsking = false;
    if (!mayStay && !over.aborted) lost.abort();
  };
  const timer = setInterval(() => void check(), intervalMs);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  lost.signal.addEventListener('abort', stop, { once: true });
  if (over.aborted) stop();
  over.addEventListener('abort', stop, { once: true });
  return lost.signal;
}

/** Never rejects: a timer has no awaiter, so a rejection would end the process. */
async function answerOf(isAllowed: () => Promise<boolean>): Promise<boolean> {
  try {
    return await isAllowed();
  } catch {
    return false;
  }
}
