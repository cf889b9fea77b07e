import { checkDataType } from './data-types.js';
import { notAllowed } from './gate-refusal.js';
import type { Names } from './names-in-scope.js';
import { listUnder, stringOf, type TreeNode } from './query-tree.js';

/** The public views. */
export const PUBLIC_TABLES = ['events', 'persons', 'sessions'] as const;
/** The name of a public view. */
export type PublicTable = (typeof PUBLIC_TABLES)[number];

const PUBLIC_NAMES: ReadonlySet<string> = new Set(PUBLIC_TABLES.flatMap((table) => [table, `weir.${table}`]));
const TABLES_HINT = 'The tables are events, persons and sessions, and the CTEs of the query.';
/** The table that the engine reads if there is no FROM. */
const NO_TABLE = 'system.one';

const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'numbers',
  'numbers_mt',
  'generateseries',
  'generate_series',
  'values',
  'sqlstandardvalues',
  'null',
]);

/** Fields of a table's line that only describe how much of it is read. */
const TABLE_FIELDS = new Set(['alias', 'identifier', 'final', 'sample_size', 'sample_offset']);

/**
 * Checks a name in the place of a table: a public table, or a visible CTE.
 *
 * @throws QueryError of rule `table` or `clause`.
 */
export function checkTable(node: TreeNode, names: Names): void {
  const name = node.fields.get('identifier');
  for (const field of node.fields.keys()) if (!TABLE_FIELDS.has(field)) throw modifier(field);
  if (name === undefined || !/^[01]$/.test(node.fields.get('final') ?? '0')) throw modifier(node.text);
  if (isKnown(name, node, names)) {
    if (node.fields.has('sample_size')) throw sampled();
    return;
  }
  throw notAllowed('table', name, `There is no table ${name}.`, TABLES_HINT);
}

function isKnown(name: string, node: TreeNode, names: Names): boolean {
  return PUBLIC_NAMES.has(name) || name === NO_TABLE || names.isCte(node, name);
}

/** The engine reads all rows of a view, despite SAMPLE. */
function sampled(): Error {
  return notAllowed(
    'clause',
    'SAMPLE',
    'SAMPLE has no effect on these tables.',
    'Filter by a hash instead: WHERE cityHash64(distinct_id) % 10 = 0 keeps a tenth of the people.',
  );
}
function modifier(text: string): Error {
  return notAllowed('clause', text.slice(0, 60), 'A table can only be modified by FINAL.');
}

/**
 * Checks the right side of an IN. A bare name there is a table unless it is an expression.
 *
 * @throws QueryError of rule `table`.
 */
export function checkInSet(set: TreeNode | undefined, names: Names): void {
  const name = set?.kind === 'IDENTIFIER' ? set.fields.get('identifier') : undefined;
  if (set === undefined || name === undefined || PUBLIC_NAMES.has(name) || names.isCte(set, name)) return;
  if (!name.includes('.') && names.isExpression(set, name)) return;
  throw notAllowed(
    'table',
    name,
    `There is no table ${name} for IN.`,
    `${TABLES_HINT} To look into an array, write has(${name}, x).`,
  );
}

/**
 * Checks a table function: its name, and the columns that `values` and `null` take as a string.
 *
 * @throws QueryError of rule `table_function`, `literal`, `type` or `time_zone`.
 */
export function checkTableFunction(node: TreeNode): void {
  const name = node.fields.get('table_function_name') ?? '';
  if (!TABLE_FUNCTIONS.has(name.toLowerCase())) {
    throw notAllowed(
      'table_function',
      name,
      `The table function ${name} is not for queries here.`,
      'Table functions are numbers, generateSeries, values and null. Data is in events, persons and sessions.',
    );
  }
  if (!/^(?:values|null)$/i.test(name)) return;
  const [columns] = listUnder(node, 'ARGUMENTS');
  if (columns === undefined || columns.kind !== 'CONSTANT') {
    throw notAllowed('literal', name, `The first argument of ${name} must be written out.`);
  }
  const text = stringOf(columns);
  if (text !== undefined) checkDataType(text);
}
