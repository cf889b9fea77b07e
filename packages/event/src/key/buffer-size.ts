/** How many events wait for a slow consumer, unless its key says otherwise. */
export const DEFAULT_BUFFER_SIZE = 100;

/** How many events may wait for a slow consumer at most, whatever its key says. */
export const MAX_BUFFER_SIZE = 1000;

/** A key's buffer size: the default when it names none or none above 0, the maximum when it names more. */
export function clampBufferSize(size: number | undefined): number {
  return size === undefined || size <= 0 ? DEFAULT_BUFFER_SIZE : Math.min(size, MAX_BUFFER_SIZE);
}
