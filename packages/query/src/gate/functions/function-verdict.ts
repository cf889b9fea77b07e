import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from './allowed.js';
import { REFUSED_GROUPS, type RefusedGroup } from './refused.js';

/** What is known of a function's name. */
export type FunctionVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly group: RefusedGroup }
  /** Nobody has reviewed it: a misspelling, a lambda of the query, or a function of a newer engine. */
  | { readonly kind: 'unknown' };

/** Suffixes that make an aggregate function out of another. `Null` is the engine's own. */
const COMBINATORS = [
  'if',
  'array',
  'map',
  'state',
  'simplestate',
  'merge',
  'foreach',
  'distinct',
  'ordefault',
  'ornull',
  'resample',
  'argmin',
  'argmax',
  'tuple',
];

const ALLOWED: FunctionVerdict = { kind: 'allowed' };
const UNKNOWN: FunctionVerdict = { kind: 'unknown' };
const allowed = lowerCase(ALLOWED_FUNCTIONS);
const aggregates = lowerCase(ALLOWED_AGGREGATES);
const refused: ReadonlyMap<string, FunctionVerdict> = new Map(
  REFUSED_GROUPS.flatMap((group) =>
    group.names.map((name) => [name.toLowerCase(), { kind: 'refused', group }] as const),
  ),
);

/** Whether a query may call the function of this name, with or without aggregate combinators. */
export function functionVerdict(name: string): FunctionVerdict {
  const lower = name.toLowerCase();
  if (allowed.has(lower) || aggregates.has(lower)) return ALLOWED;
  return refused.get(lower) ?? combined(lower);
}

/** `sumOrNullIf` is `sum` to the reader: every way of taking combinators off must end in an allowed aggregate. */
function combined(lower: string): FunctionVerdict {
  let verdict = UNKNOWN;
  for (const combinator of COMBINATORS) {
    if (!lower.endsWith(combinator)) continue;
    const base = lower.slice(0, -combinator.length);
    const found = aggregates.has(base) ? ALLOWED : (refused.get(base) ?? combined(base));
    if (found.kind === 'refused') return found;
    if (found.kind === 'allowed') verdict = found;
  }
  return verdict;
}

function lowerCase(names: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...names].map((name) => name.toLowerCase()));
}
