/** Appends of one sender, one after the other: each is numbered by what is stored before it. */
export class SenderTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when all that was asked for before of this sender is over; resolves or rejects as it does. */
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
