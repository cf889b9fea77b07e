import { pause } from './pause.js';

/** The maximum delay of a timer, about 25 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Wakes one loop that waits for work. A call while the loop works is not lost: it ends the next wait at once. */
export class Wakeup {
  #isCalled = false;
  #wake: AbortController | null = null;

  /** Ends the wait, or the next one. */
  call(): void {
    this.#isCalled = true;
    this.#wake?.abort();
  }

  /**
   * Waits for a call since the last wait.
   * @param ms maximum wait; default about 25 days
   * @param signal ends the wait too
   */
  async wait(ms = LONGEST_TIMER_MS, signal?: AbortSignal): Promise<void> {
    if (!this.#isCalled && !signal?.aborted) {
      const wake = new AbortController();
      this.#wake = wake;
      const leave = (): void => wake.abort();
      signal?.addEventListener('abort', leave);
      await pause(ms, wake.signal);
      signal?.removeEventListener('abort', leave);
      this.#wake = null;
    }
    this.#isCalled = false;
  }
}
