import { distance } from 'fastest-levenshtein';

/**
 * The names a misspelt one most likely stands for: nearest first, at most `limit` (default 3). Near is few edits for
 * the length, or one name being part of the other.
 */
export function nearNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const text = wanted.toLowerCase();
  const allowed = Math.max(2, Math.floor(text.length / 3));
  const near: { name: string; distance: number }[] = [];
  for (const name of names) {
    const candidate = name.toLowerCase();
    const edits = distance(text, candidate);
    const part = text.length >= 3 && (candidate.includes(text) || text.includes(candidate));
    // An edit of every letter is another name, however short both are.
    if (part || (edits <= allowed && edits < Math.max(text.length, candidate.length))) {
      near.push({ name, distance: edits });
    }
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, limit).map((n) => n.name);
}

/** `Did you mean a or b?`, or nothing when no name is near. */
export function didYouMean(wanted: string, names: Iterable<string>): string | undefined {
  const near = nearNames(wanted, names).map((name) => `\`${name}\``);
  const last = near.pop();
  if (last === undefined) return undefined;
  return `Did you mean ${near.length === 0 ? last : `${near.join(', ')} or ${last}`}?`;
}
