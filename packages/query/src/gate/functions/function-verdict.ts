import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from './allowed.js';
import { REFUSED_GROUPS, type RefusedGroup } from './refused.js';

/** The verdict on the name of a function. */
export type FunctionVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly group: RefusedGroup }
  /** Not reviewed: a misspelling, a lambda of the query, or a function of a newer engine. */
  | { readonly kind: 'unknown' };

/** Suffixes that derive an aggregate function from another. The engine uses `Null` internally. */
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

/** `sumOrNullIf` derives from `sum`: every way to remove combinators must end in an allowed aggregate. */
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
