/**
 * The interval at which the right of an open stream's client is checked again, in milliseconds. Credentials of other
 * nodes are known within 5 s more, so a revoked key ends a stream within 10 s.
 */
export const RIGHT_MS = 4_000;

/**
 * A signal that aborts when a right is lost. A check that fails loses it too: the client comes back, and is told why.
 * @param isAllowed asked every `intervalMs`, and not again before it has answered
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

/** Never rejects: nothing awaits a timer, and a rejection would end the process. */
async function answerOf(isAllowed: () => Promise<boolean>): Promise<boolean> {
  try {
    return await isAllowed();
  } catch {
    return false;
  }
}
