/** Time is counted in steps of this length. */
const STEP_MS = 1_000;

/**
 * Calls `done` once after `ms` milliseconds in which this process ran; returns a function that cancels it.
 *
 * A process that was stopped, or whose machine slept, runs its timers before it reads data that has arrived meanwhile,
 * and its peer may have slept as long. So a step that took much longer than planned restarts the time, and before the
 * end the arrived data is read once more.
 */
export function afterSilence(ms: number, done: () => void): () => void {
  let left = ms;
  let timer: ReturnType<typeof setTimeout>;
  let stopReading = (): void => {};
  const step = (): void => {
    const stepMs = Math.min(left, STEP_MS);
    const begun = performance.now();
    timer = setTimeout(() => {
      const wasStopped = performance.now() - begun > stepMs + STEP_MS;
      left = wasStopped ? ms : left - stepMs;
      if (left > 0) step();
      else stopReading = afterReading(done);
    }, stepMs);
  };
  step();
  return () => {
    clearTimeout(timer);
    stopReading();
  };
}

/** Runs `work` after the next turn of the event loop has read what arrived. Browsers have no `setImmediate`. */
function afterReading(work: () => void): () => void {
  if (typeof setImmediate === 'function') {
    const reading = setImmediate(work);
    return () => clearImmediate(reading);
  }
  const reading = setTimeout(work, 1);
  return () => clearTimeout(reading);
}
