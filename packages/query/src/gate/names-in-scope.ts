import { ancestorsOf, listUnder, nodesOf, type TreeNode } from './query-tree.js';

/** Columns of the public views: names that an expression may use anywhere. */
const PUBLIC_COLUMNS: ReadonlySet<string> = new Set(
  `event_id event distinct_id anonymous_id user_id session_id timestamp properties extras received_at
   first_seen last_seen event_count session_count timezone started_at ended_at duration_ms entry_event exit_event`
    .trim()
    .split(/\s+/),
);

/**
 * Whether `name`, in a table's place at `node`, is a CTE there. A CTE is seen by what follows it in its WITH and by
 * its query, and by itself only when recursive: anywhere else the engine takes the name for a real table.
 */
export function isCte(node: TreeNode, name: string): boolean {
  return cteNamed(node, name) !== undefined;
}

function cteNamed(node: TreeNode, name: string): TreeNode | undefined {
  const path = new Set([node, ...ancestorsOf(node)]);
  for (const query of path) {
    if (query.kind !== 'QUERY') continue;
    const ctes = listUnder(query, 'WITH');
    const inside = ctes.findIndex((cte) => path.has(cte));
    const seen = inside === -1 ? ctes : ctes.slice(0, inside);
    const self = ctes[inside];
    if (self?.fields.get('cte_name') === name && self.fields.has('is_recursive_cte')) return self;
    const found = seen.find((cte) => cte.fields.get('cte_name') === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Whether `name`, in an expression at `node`, certainly is an expression: an argument of a lambda around it, an
 * alias of a query around it, a column that one of their tables has by its name, or a public column.
 */
export function isExpression(node: TreeNode, name: string): boolean {
  if (PUBLIC_COLUMNS.has(name)) return true;
  for (const above of ancestorsOf(node)) {
    if (above.kind === 'LAMBDA' && argumentNames(above).includes(name)) return true;
    if (above.kind === 'QUERY' && (hasAlias(above, name) || hasColumn(above, name))) return true;
  }
  return false;
}

/** The names of a lambda's arguments. */
export function argumentNames(lambda: TreeNode): readonly string[] {
  return listUnder(lambda, 'ARGUMENTS').map((argument) => argument.fields.get('identifier') ?? '');
}

/** Aliases of expressions in the query itself, not in those inside it. */
function hasAlias(query: TreeNode, name: string): boolean {
  const pending = [...query.children];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.fields.get('alias') === name && !isTablePlace(node)) return true;
    if (node.kind !== 'QUERY' && node.kind !== 'UNION') pending.push(...node.children);
  }
  return false;
}

/** Columns that the sub-selects and CTEs in a query's FROM make. */
function hasColumn(query: TreeNode, name: string): boolean {
  const joinTree = query.children.find((child) => child.text === 'JOIN TREE');
  if (joinTree === undefined) return false;
  for (const node of nodesOf(joinTree)) {
    if (!isTablePlace(node)) continue;
    const table = node.kind === 'IDENTIFIER' ? cteNamed(node, node.fields.get('identifier') ?? '') : node;
    const first = table?.kind === 'UNION' ? listUnder(table, 'QUERIES')[0] : table;
    if (first?.kind !== 'QUERY') continue;
    for (const column of listUnder(first, 'PROJECTION')) {
      if ((column.fields.get('alias') ?? column.fields.get('identifier')?.split('.').at(-1)) === name)
        return true;
    }
  }
  return false;
}

/** Whether the node stands where a table does. */
export function isTablePlace(node: TreeNode): boolean {
  return (
    node.parent?.kind === undefined &&
    /^(?:JOIN TREE|(?:LEFT |RIGHT )?TABLE EXPRESSION)$/.test(node.parent?.text ?? '')
  );
}
