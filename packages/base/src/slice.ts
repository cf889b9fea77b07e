/** A loop over much data works in slices and gives other tasks of the event loop a turn between them. */
import { hasRoom, nextTurn, type Owner } from './turns.js';

/** How long a loop works before it gives up the event loop, milliseconds. */
export const SLICE_MS = 3;

/** Settings of a {@link Slice}. */
export interface SliceOptions {
  /** Whose work this is; turns rotate among owners. Default: an owner that all such loops share. */
  readonly owner?: Owner;
  /** Length of a slice, milliseconds. Default {@link SLICE_MS}. */
  readonly ms?: number;
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
  readonly #owner: Owner;
  readonly #ms: number;
  #end: number;

  constructor({ owner = '', ms = SLICE_MS }: SliceOptions = {}) {
    this.#owner = owner;
    this.#ms = ms;
    this.#end = performance.now() + ms;
  }

  /** Whether the loop must call {@link next} before it goes on. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Waits before the first slice if the work of other owners has used up this turn; undefined if it has not. */
  enter(): Promise<void> | undefined {
    const now = performance.now();
    if (!hasRoom(this.#owner, now)) return this.next();
    this.#end = now + this.#ms;
    return undefined;
  }

  /** Gives up the event loop, then begins the next slice. */
  async next(): Promise<void> {
    await nextTurn(this.#owner);
    this.#end = performance.now() + this.#ms;
  }
}
