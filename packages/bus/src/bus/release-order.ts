/** True if `release` is newer than `than`. Compares the numeric parts and ignores a suffix after `-` or `+`. */
export function isNewer(release: string, than: string): boolean {
  const [a, b] = [numbers(release), numbers(than)];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function numbers(release: string): number[] {
  return release
    .split(/[-+]/, 1)
    .join('')
    .split('.')
    .map((part) => Number.parseInt(part, 10) || 0);
}
