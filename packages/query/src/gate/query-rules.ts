import { type CheckedValues, checkCall } from './function-calls.js';
import { notAllowed } from './gate-refusal.js';
import { isTablePlace, type Names } from './names-in-scope.js';
import type { QueryTree, TreeNode } from './query-tree.js';
import { checkTable, checkTableFunction } from './tables.js';
import { settingsRefusal } from './text-rules.js';

/** Reviewed kinds of nodes. */
const KINDS = new Set([
  'APPLY COLUMN TRANSFORMER',
  'ARRAY_JOIN',
  'CONSTANT',
  'CROSS JOIN',
  'EXCEPT COLUMN TRANSFORMER',
  'FUNCTION',
  'IDENTIFIER',
  'INTERPOLATE',
  'JOIN',
  'LAMBDA',
  'LIST',
  'MATCHER',
  'QUERY',
  'REPLACE COLUMN TRANSFORMER',
  'SORT',
  'TABLE_FUNCTION',
  'UNION',
  'WINDOW',
]);

/** Reviewed labels of clauses. */
const LABELS = new Set([
  'ARGUMENTS',
  'EXPRESSIONS',
  'FILL FROM',
  'FILL STALENESS',
  'FILL STEP',
  'FILL TO',
  'FRAME BEGIN OFFSET',
  'FRAME END OFFSET',
  'GROUP BY',
  'HAVING',
  'INTERPOLATE',
  'INTERPOLATE_EXPRESSION',
  'JOIN EXPRESSION',
  'JOIN EXPRESSIONS',
  'JOIN TREE',
  'LEFT TABLE EXPRESSION',
  'LIMIT',
  'LIMIT BY',
  'LIMIT BY LIMIT',
  'LIMIT BY OFFSET',
  'OFFSET',
  'ORDER BY',
  'PARAMETERS',
  'PARTITION BY',
  'PREWHERE',
  'PROJECTION',
  'PROJECTION COLUMNS',
  'QUALIFY',
  'QUERIES',
  'RIGHT TABLE EXPRESSION',
  'TABLE EXPRESSION',
  'WHERE',
  'WINDOW',
  'WITH',
]);
/** Labels followed by a name or a number. */
const NAMED_LABEL = /^(?:EXPRESSION(?: |$)|REPLACEMENTS \d+$|REPLACEMENT NAME )/;

/**
 * Checks every node of the tree: only reviewed constructs, permitted tables and functions, and permitted names in
 * strings.
 *
 * @throws QueryError
 */
export function checkTree(tree: QueryTree, names: Names, values: CheckedValues): void {
  for (const node of tree.nodes) {
    if (node.kind === undefined) checkLabel(node.text.trimEnd());
    else checkNode(node, names, values);
  }
}

function checkLabel(label: string): void {
  if (LABELS.has(label) || NAMED_LABEL.test(label)) return;
  if (label.startsWith('SETTINGS')) throw settingsRefusal(label.slice('SETTINGS '.length));
  throw notAllowed('clause', label.slice(0, 60), `The clause ${label.slice(0, 60)} is not for queries here.`);
}

function checkNode(node: TreeNode, names: Names, values: CheckedValues): void {
  const kind = node.kind ?? '';
  if (!KINDS.has(kind))
    throw notAllowed('clause', kind, `The query holds ${kind}, which is not for queries here.`);
  if (kind === 'IDENTIFIER' && isTablePlace(node)) checkTable(node, names);
  if (kind === 'TABLE_FUNCTION') checkTableFunction(node);
  if (kind === 'FUNCTION') checkCall(node, names, values);
  if (kind === 'CONSTANT' && /aggregate\s*function/i.test(node.text)) {
    throw notAllowed(
      'type',
      'AggregateFunction',
      'A string in the query names an AggregateFunction type, whose values cannot be written in a query.',
      'Make states with the -State combinators, such as sumState(x), and read them with -Merge.',
    );
  }
}
