/**
 * Runs work at each interval, but never twice concurrently: a long run, such as a check of a hanging disk, skips the
 * runs due meanwhile. The timer does not keep the process alive.
 *
 * @param work reports its own failures; a rejection is ignored, because a timer has no awaiter
 * @param intervalMs between the starts of two runs
 * @returns stops it; a run in progress continues
 */
export function periodically(work: () => Promise<void>, intervalMs: number): () => void {
  let isRunning = false;
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    await work().catch(() => {});
    isRunning = false;
  };
  const timer = setInterval(() => void run(), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
