/** How much may wait. */
export interface ArrivalBounds {
  readonly items: number;
  readonly bytes: number;
}

/**
 * What arrives by itself, on its way to one reader who takes it at a pace of its own. Pushing never waits: what finds
 * it full is refused, so that memory stays bounded.
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

  /** Adds an item of so many bytes; false when it is full or has ended. */
  push(item: T, bytes: number): boolean {
    const isFull = this.#waiting.size >= this.#bounds.items || this.#bytes + bytes > this.#bounds.bytes;
    if (this.#end !== undefined || (isFull && this.#waiting.size > 0)) return false;
    this.#waiting.set(item, bytes);
    this.#bytes += bytes;
    this.#wake?.();
    return true;
  }

  /** Takes an item back that nobody has taken yet; false when somebody has. */
  withdraw(item: T): boolean {
    const bytes = this.#waiting.get(item);
    if (bytes === undefined) return false;
    this.#waiting.delete(item);
    this.#bytes -= bytes;
    return true;
  }

  /** Whether nothing comes any more. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Nothing comes any more: the reader ends once it has what there is, with `error` if there is one. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Items in the order of their arrival, as they come. At once after `signal` aborts, it ends. */
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
