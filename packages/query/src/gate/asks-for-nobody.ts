import { listUnder, type QueryTree, type TreeNode } from './query-tree.js';

/**
 * Whether a query certainly does not ask who did it: no `distinct_id`, no column list that has it, no table but events
 * by its bare name. Such a query may be asked where events have no person, which costs less; asked there wrongly it
 * fails, and is never answered wrongly.
 */
export function asksForNobody(tree: QueryTree): boolean {
  // The gate's own, around the query.
  const own = tree.nodes.find((node) => node.kind === 'MATCHER');
  return tree.nodes.every((node) => {
    if (node.kind === 'MATCHER') return node === own || isCounted(node);
    if (node.kind !== 'IDENTIFIER') return true;
    const name = node.fields.get('identifier') ?? '';
    return (
      !name.endsWith('distinct_id') && !name.startsWith('weir.') && name !== 'persons' && name !== 'sessions'
    );
  });
}

/** `count(*)`. */
function isCounted(matcher: TreeNode): boolean {
  const call = matcher.parent?.parent?.parent;
  return (
    call?.kind === 'FUNCTION' &&
    call.fields.get('function_name')?.toLowerCase() === 'count' &&
    listUnder(call, 'ARGUMENTS').includes(matcher)
  );
}
