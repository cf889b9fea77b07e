import { distance } from 'fastest-levenshtein';

/**
 * Names similar to a misspelt one: nearest first, at most `limit` (default 3). A name is similar if it needs few edits
 * for its length, or if one name contains the other.
 */
export function nearNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const text = wanted.toLowerCase();
  const allowed = Math.max(2, Math.floor(text.length / 3));
  const near: { name: string; distance: number }[] = [];
  for (const name of names) {
    const candidate = name.toLowerCase();
    const edits = distance(text, candidate);
    const part = text.length >= 3 && (candidate.includes(text) || text.includes(candidate));
    // If every letter must change, the names are unrelated, however short they are.
    if (part || (edits <= allowed && edits < Math.max(text.length, candidate.length))) {
      near.push({ name, distance: edits });
    }
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, limit).map((n) => n.name);
}

/** `Did you mean a or b?`, or undefined if no name is similar. */
export function didYouMean(wanted: string, names: Iterable<string>): string | undefined {
  const near = nearNames(wanted, names).map((name) => `\`${name}\``);
  const last = near.pop();
  if (last === undefined) return undefined;
  return `Did you mean ${near.length === 0 ? last : `${near.join(', ')} or ${last}`}?`;
}
