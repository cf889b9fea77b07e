/**
 * The most that each may keep so that all together keep `room`: those that have less keep what they have, and the others are
 * cut to the same level. Infinity where nothing has to be cut.
 */
export function fairLevel(sizes: readonly number[], room: number): number {
  let left = room;
  const ascending = sizes.toSorted((a, b) => a - b);
  for (const [i, size] of ascending.entries()) {
    const level = left / (ascending.length - i);
    if (size > level) return Math.max(0, level);
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}
