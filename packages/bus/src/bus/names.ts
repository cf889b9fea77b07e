/** Names of events; undefined for all of them. */
export type Names = ReadonlySet<string> | undefined;

/** Servers take some 8 KB of URL and headers. */
const ASKED_NAMES = 50;
const ASKED_BYTES = 4_096;

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

/**
 * Names as a source is asked for them: all, where there are more than fit a URL. Consumers get only theirs either way.
 */
export function asked(names: Names): Names {
  if (names === undefined || names.size > ASKED_NAMES) return undefined;
  let bytes = 0;
  for (const name of names) bytes += encodeURIComponent(name).length;
  return bytes > ASKED_BYTES ? undefined : names;
}

/** As a source takes them. */
export function list(names: Names): readonly string[] | undefined {
  return names === undefined ? undefined : [...names].sort();
}
