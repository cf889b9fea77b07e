/** Runs pieces of work one after another, in call order. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether no work runs or waits. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Runs the work after all earlier work has ended; resolves or rejects with its result. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const over = () => {
      this.#pending -= 1;
    };
    const done = this.#last.then(work);
    this.#pending += 1;
    this.#last = done.then(over, over);
    return done;
  }

  /** Resolves when all work queued so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
