/** Runs pieces of work one after the other, in the order in which they were given. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether no work runs or waits. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Runs the work when all work before it has ended; resolves or rejects as it does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const over = () => {
      this.#pending -= 1;
    };
    const done = this.#last.then(work);
    this.#pending += 1;
    this.#last = done.then(over, over);
    return done;
  }

  /** Resolves when all work that was given so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
