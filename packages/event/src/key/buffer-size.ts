/** Default number of events buffered for a slow consumer. */
export const DEFAULT_BUFFER_SIZE = 100;

/** Maximum number of events buffered for a slow consumer. */
export const MAX_BUFFER_SIZE = 1000;

/** Applies the default (for undefined, 0 and negative sizes) and the maximum to a buffer size. */
export function clampBufferSize(size: number | undefined): number {
  return size === undefined || size <= 0 ? DEFAULT_BUFFER_SIZE : Math.min(size, MAX_BUFFER_SIZE);
}
