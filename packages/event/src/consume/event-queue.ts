/** How much a queue holds; what is put when it is nearly full may go beyond by itself. */
export interface QueueBounds<T> {
  readonly items: number;
  /** In what `weigh` measures. */
  readonly weight: number;
  readonly weigh: (item: T) => number;
}

/**
 * Items between one who puts and those who take, bounded: putting waits while it is full. Who takes gets what is there
 * at once, so that work which is cheaper in batches gets batches exactly when it falls behind.
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

  /** Adds an item; resolves once there is room for another. */
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
   * Takes the oldest items, at least one, waiting for it; none once the queue has ended and is empty.
   *
   * @param parts how many share the queue: each takes its part of what is there.
   * @param most default no limit
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

  /** Takes no more items; those there are can still be taken, unless they are dropped. */
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
