/** Names of events; undefined for all of them. */
export type Names = ReadonlySet<string> | undefined;

/** Whether who has `wide` has everything of `narrow`. */
export function covers(wide: Names, narrow: Names): boolean {
  if (wide === undefined) return true;
  return narrow !== undefined && [...narrow].every((name) => wide.has(name));
}

/** What all of these want together. */
export function union(all: Iterable<Names>): Names {
  const names = new Set<string>();
  for (const some of all) {
    if (some === undefined) return undefined;
    for (const name of some) names.add(name);
  }
  return names;
}

/** As a source takes them. */
export function list(names: Names): readonly string[] | undefined {
  return names === undefined ? undefined : [...names].sort();
}
