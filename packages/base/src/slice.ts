/** Splits a loop over much data into slices, with a turn of the event loop for other tasks between them. */
import { hasRoom, nextTurn, type Owner } from './turns.js';

/** How long a loop works before it yields to the event loop, milliseconds. */
export const SLICE_MS = 3;

/** Settings of a {@link Slice}. */
export interface SliceOptions {
  /** The owner of the work; turns rotate among owners. Default: an owner that all such loops share. */
  readonly owner?: Owner;
  /** Length of a slice, milliseconds. Default {@link SLICE_MS}. */
  readonly ms?: number;
}

/**
 * Measures how long a loop has worked since its last turn of the event loop.
 *
 * ```ts
 * const slice = new Slice(); for (const entry of entries) {
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

  /** Whether the loop must call {@link next} before it continues. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Waits before the first slice if the work of other owners has used up this turn; otherwise undefined. */
  enter(): Promise<void> | undefined {
    const now = performance.now();
    if (!hasRoom(this.#owner, now)) return this.next();
    this.#end = now + this.#ms;
    return undefined;
  }

  /** Yields to the event loop, then starts the next slice. */
  async next(): Promise<void> {
    await nextTurn(this.#owner);
    this.#end = performance.now() + this.#ms;
  }
}
