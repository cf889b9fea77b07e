/**
 * The maximum that each may keep so that all together fit into `room`: smaller sizes are kept whole, larger ones are
 * cut to the same level. Infinity if all fit.
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
