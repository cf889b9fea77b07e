/** Runs appends of one sender one after another, because the number of each depends on what is stored before it. */
export class SenderTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work after all earlier work of this sender; resolves or rejects with its result. */
  async run<T>(sender: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(sender) ?? Promise.resolve();
    const done = before.then(work);
    const over = done.catch(() => undefined);
    this.#last.set(sender, over);
    try {
      return await done;
    } finally {
      if (this.#last.get(sender) === over) this.#last.delete(sender);
    }
  }
}
