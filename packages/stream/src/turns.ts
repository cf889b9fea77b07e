/** Lets work be done one after the other, in the order it was asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Does the work when everything before is over; resolves or rejects as it does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const over = () => {
      this.#pending -= 1;
    };
    const done = this.#last.then(work);
    this.#pending += 1;
    this.#last = done.then(over, over);
    return done;
  }

  /** Resolves when everything asked for so far is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
