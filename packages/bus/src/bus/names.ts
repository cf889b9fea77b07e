/** Event names; undefined means all. */
export type Names = ReadonlySet<string> | undefined;

/** Servers accept about 8 KB of URL and headers. */
const ASKED_NAMES = 50;
const ASKED_BYTES = 4_096;

/** True if `wide` includes every name of `narrow`. */
export function covers(wide: Names, narrow: Names): boolean {
  if (wide === undefined) return true;
  return narrow !== undefined && [...narrow].every((name) => wide.has(name));
}

/** The union of all names. */
export function union(all: Iterable<Names>): Names {
  const names = new Set<string>();
  for (const some of all) {
    if (some === undefined) return undefined;
    for (const name of some) names.add(name);
  }
  return names;
}

/**
 * Limits the names in a request to the source: if they do not fit in a URL, request all events. The bus filters for
 * each consumer in any case.
 */
export function asked(names: Names): Names {
  if (names === undefined || names.size > ASKED_NAMES) return undefined;
  let bytes = 0;
  for (const name of names) bytes += encodeURIComponent(name).length;
  return bytes > ASKED_BYTES ? undefined : names;
}

/** Converts names to the form that a source accepts. */
export function list(names: Names): readonly string[] | undefined {
  return names === undefined ? undefined : [...names].sort();
}
