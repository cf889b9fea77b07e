/** Lets one waiter wait until it is woken; a call that comes before the wait is not lost. */
export class Wake {
  #isCalled = false;
  #resolve: (() => void) | null = null;

  /** Ends the wait, or the next one. */
  wake(): void {
    this.#isCalled = true;
    this.#resolve?.();
  }

  /** Waits for a call since the last wait. */
  async wait(): Promise<void> {
    if (!this.#isCalled) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = null;
    }
    this.#isCalled = false;
  }
}
