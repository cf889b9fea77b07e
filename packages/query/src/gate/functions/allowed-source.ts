import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from './allowed.js';
import { type EngineFunction, SYNTAX_FUNCTIONS } from './engine-functions.js';
import { REFUSED_GROUPS } from './refused.js';

/**
 * The source text of allowed.ts for an engine with these functions: previously allowed names that still exist, plus
 * those that a reviewer allows now, minus all names in refused.ts.
 */
export function allowedSource(functions: readonly EngineFunction[], allow: ReadonlySet<string>): string {
  const refused = new Set(REFUSED_GROUPS.flatMap((group) => group.names));
  const isAllowed = (name: string): boolean =>
    !refused.has(name) && (ALLOWED_FUNCTIONS.has(name) || ALLOWED_AGGREGATES.has(name) || allow.has(name));
  const kept = functions.filter((f) => isAllowed(f.name));
  const scalars = [...SYNTAX_FUNCTIONS, ...kept.filter((f) => !f.aggregate).map((f) => f.name)];
  const aggregates = kept.filter((f) => f.aggregate).map((f) => f.name);
  return `// Written by \`npm run functions -w @weir/query\`; every name in it has been reviewed by a person.

/** Functions a query may call. */
export const ALLOWED_FUNCTIONS: ReadonlySet<string> = names(\`
${wrap(scalars)}\`);

/** Aggregate and window functions a query may call, also with combinators. */
export const ALLOWED_AGGREGATES: ReadonlySet<string> = names(\`
${wrap(aggregates)}\`);

function names(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\\s+/));
}
`;
}

function wrap(list: readonly string[]): string {
  const lines: string[] = [];
  for (const name of list) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < 100) lines[lines.length - 1] = `${last} ${name}`;
    else lines.push(`  ${name}`);
  }
  return lines.join('\n');
}
