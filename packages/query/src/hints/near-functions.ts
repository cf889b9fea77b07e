import { closest, distance } from 'fastest-levenshtein';
import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from '../gate/functions/allowed.js';

const NAMES = [...ALLOWED_FUNCTIONS, ...ALLOWED_AGGREGATES];
const BY_LOWER: ReadonlyMap<string, string> = new Map(NAMES.map((name) => [name.toLowerCase(), name]));
const LOWER = [...BY_LOWER.keys()];
/** Longer texts are not function names, and comparing them would take long. */
const MAX_LENGTH = 60;

/** The function most similar to a misspelled name; undefined if none is similar. */
export function nearFunction(name: string): string | undefined {
  if (name.length < 3 || name.length > MAX_LENGTH) return undefined;
  const lower = name.toLowerCase();
  const near = closest(lower, LOWER);
  return distance(lower, near) <= Math.max(1, Math.floor(name.length / 3)) ? BY_LOWER.get(near) : undefined;
}
