/** Bounds of waiting items. */
export interface ArrivalBounds {
  readonly items: number;
  readonly bytes: number;
}

/**
 * A bounded buffer between a push source and one reader. `push` never waits: it rejects an item while the buffer is
 * full, so that memory stays bounded.
 */
export class Arrivals<T extends object> {
  readonly #bounds: ArrivalBounds;
  readonly #waiting = new Map<T, number>();
  #bytes = 0;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(bounds: ArrivalBounds) {
    this.#bounds = bounds;
  }

  /** Adds an item of `bytes`; returns false if the buffer is full or has ended. An empty buffer accepts an item of any size. */
  push(item: T, bytes: number): boolean {
    const isFull = this.#waiting.size >= this.#bounds.items || this.#bytes + bytes > this.#bounds.bytes;
    if (this.#end !== undefined || (isFull && this.#waiting.size > 0)) return false;
    this.#waiting.set(item, bytes);
    this.#bytes += bytes;
    this.#wake?.();
    return true;
  }

  /** Removes an item that the reader has not read; returns false if it has. */
  withdraw(item: T): boolean {
    const bytes = this.#waiting.get(item);
    if (bytes === undefined) return false;
    this.#waiting.delete(item);
    this.#bytes -= bytes;
    return true;
  }

  /** True if no more items can be added. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Ends the buffer: the reader gets the remaining items, then `error` if there is one. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Yields items in order of arrival. Ends at once when `signal` aborts. */
  async *read(signal: AbortSignal): AsyncGenerator<T, void> {
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const [next] = this.#waiting;
        if (next !== undefined) {
          this.withdraw(next[0]);
          yield next[0];
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#end.error === undefined) return;
        else throw this.#end.error;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
