/** Slots for work that cannot be sliced. Waiting owners are served in rotation, each in order of arrival. */
export class FairSlots {
  #free: number;
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @param slots maximum concurrent work */
  constructor(slots: number) {
    this.#free = slots;
  }

  /** Waits for a slot. @returns releases the slot; call it once */
  async take(owner: string): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turnOf(owner);
    return () => this.#give();
  }

  #turnOf(owner: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [resolve]);
      else queue.push(resolve);
    });
  }

  #give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    const [owner, queue] = next;
    const resolve = queue.shift();
    this.#waiting.delete(owner);
    if (queue.length > 0) this.#waiting.set(owner, queue);
    resolve?.();
  }
}
