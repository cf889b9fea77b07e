/**
 * Runs work each interval, but never twice at the same time: a run that takes longer, such as a look at a disk that hangs,
 * skips the runs that fall into it. The timer keeps no process alive.
 *
 * @param work reports its own failures; a rejection is ignored, because nothing awaits a timer
 * @param intervalMs from the begin of one run to that of the next
 * @returns ends it; a run that has begun goes on
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
