import { setTimeout as delay } from 'node:timers/promises';

/** What one loop sleeps by: a call that comes while it is at work ends its next sleep. */
export class Wakeup {
  #isCalled = false;
  #wake = new AbortController();

  /** Ends the sleep. */
  call(): void {
    this.#isCalled = true;
    this.#wake.abort();
  }

  /** Sleeps until it is called, for so long, or until the signal aborts. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isCalled && !signal.aborted) {
      const wake = new AbortController();
      this.#wake = wake;
      const leave = (): void => wake.abort();
      signal.addEventListener('abort', leave);
      await delay(ms, undefined, { signal: wake.signal }).catch(() => {});
      signal.removeEventListener('abort', leave);
    }
    this.#isCalled = false;
  }
}
