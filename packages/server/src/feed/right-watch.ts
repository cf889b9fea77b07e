/** The interval at which the right of an open stream's client is checked again, in milliseconds. */
export const RIGHT_MS = 10_000;

/**
 * A signal that aborts when a right is lost.
 * @param isAllowed asked every `intervalMs`; must not reject
 * @param over ends the watch
 */
export function lostRight(
  isAllowed: () => Promise<boolean>,
  over: AbortSignal,
  intervalMs = RIGHT_MS,
): AbortSignal {
  const lost = new AbortController();
  const timer = setInterval(async () => {
    if (!(await isAllowed())) lost.abort();
  }, intervalMs);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  lost.signal.addEventListener('abort', stop, { once: true });
  if (over.aborted) stop();
  over.addEventListener('abort', stop, { once: true });
  return lost.signal;
}
