/** Bounds of a queue; the last item may exceed them, so that a single large item always fits. */
export interface QueueBounds<T> {
  readonly items: number;
  /** In units of `weigh`. */
  readonly weight: number;
  readonly weigh: (item: T) => number;
}

/**
 * A bounded queue between one producer and several workers. `put` waits while the queue is full. `take` returns all
 * waiting items, so that batch work (jq) gets larger batches exactly when it falls behind.
 */
export class EventQueue<T> {
  readonly #bounds: QueueBounds<T>;
  #items: T[] = [];
  #weight = 0;
  #hasEnded = false;
  #takers: (() => void)[] = [];
  #putter: (() => void) | undefined;

  constructor(bounds: QueueBounds<T>) {
    this.#bounds = bounds;
  }

  /** Adds an item; resolves once the queue has room for another. */
  async put(item: T): Promise<void> {
    if (this.#hasEnded) return;
    this.#items.push(item);
    this.#weight += this.#bounds.weigh(item);
    this.#takers.shift()?.();
    while (this.#isFull && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#putter = resolve;
      });
    }
  }

  /**
   * Removes the oldest items; waits for at least one. Returns none once the queue has ended and is empty.
   *
   * @param parts number of workers; each takes its share of the items.
   * @param most maximum number of items; default no limit.
   */
  async take(parts: number, most = Number.POSITIVE_INFINITY): Promise<T[]> {
    while (this.#items.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#takers.push(resolve));
    }
    const taken = this.#items.splice(0, Math.min(most, Math.ceil(this.#items.length / parts)));
    for (const item of taken) this.#weight -= this.#bounds.weigh(item);
    this.#putter?.();
    this.#putter = undefined;
    return taken;
  }

  /** Accepts no more items. `keep` lets the workers take the rest; `drop` discards it. */
  end(what: 'keep' | 'drop'): void {
    this.#hasEnded = true;
    if (what === 'drop') this.#items = [];
    this.#putter?.();
    for (const taker of this.#takers.splice(0)) taker();
  }

  get #isFull(): boolean {
    return this.#items.length >= this.#bounds.items || this.#weight >= this.#bounds.weight;
  }
}
