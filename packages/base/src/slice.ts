/** Loops that share the event loop: a loop over much data works in slices and gives the other tasks a turn between them. */

/** How long a loop works before it gives up the event loop, milliseconds. */
export const SLICE_MS = 5;

/** Resolves after the event loop has had a turn: sockets were read, timers have run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Measures how long a loop has worked since its last turn of the event loop.
 *
 * ```ts
 * const slice = new Slice();
 * for (const entry of entries) {
 *   handle(entry);
 *   if (slice.isOver) await slice.next();
 * }
 * ```
 */
export class Slice {
  readonly #ms: number;
  #end: number;

  /** @param ms length of a slice, milliseconds */
  constructor(ms = SLICE_MS) {
    this.#ms = ms;
    this.#end = performance.now() + ms;
  }

  /** Whether the loop must call {@link next} before it goes on. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Gives up the event loop for one turn, then begins the next slice. */
  async next(): Promise<void> {
    await nextTurn();
    this.#end = performance.now() + this.#ms;
  }
}
