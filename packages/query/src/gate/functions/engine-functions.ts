import type { ClickHouse } from '@weir/clickhouse';
import { ALLOWED_AGGREGATES, ALLOWED_FUNCTIONS } from './allowed.js';
import { REFUSED_GROUPS } from './refused.js';

/** A function in the engine's list. */
export interface EngineFunction {
  readonly name: string;
  readonly aggregate: boolean;
  readonly description: string;
}

/** The differences between the engine's functions and the reviewed ones. */
export interface FunctionReview {
  /** Functions of the engine without a review. The gate rejects them. */
  readonly unreviewed: readonly EngineFunction[];
  /** Reviewed names that the engine no longer has. */
  readonly gone: readonly string[];
}

/** Syntax that the query tree shows as functions, although the engine does not list them. */
export const SYNTAX_FUNCTIONS: readonly string[] = ['exists', 'grouping', 'untuple'];

/** Lists the functions of the engine; `clickhouse` must be the administrator. */
export async function engineFunctions(clickhouse: ClickHouse): Promise<EngineFunction[]> {
  const rows = await clickhouse.query<{ name: string; is_aggregate: number; description: string }>(
    'SELECT name, is_aggregate, trim(description) AS description FROM system.functions ORDER BY lower(name), name',
  );
  return rows.map((row) => ({
    name: row.name,
    aggregate: row.is_aggregate === 1,
    description: row.description,
  }));
}

/** Compares the engine's functions with the reviewed ones. */
export function reviewFunctions(functions: readonly EngineFunction[]): FunctionReview {
  const refused = REFUSED_GROUPS.flatMap((group) => group.names);
  const reviewed = new Set([...ALLOWED_FUNCTIONS, ...ALLOWED_AGGREGATES, ...refused]);
  const present = new Set(functions.map((f) => f.name));
  return {
    unreviewed: functions.filter((f) => !reviewed.has(f.name)),
    gone: [...reviewed].filter((name) => !present.has(name) && !SYNTAX_FUNCTIONS.includes(name)),
  };
}
