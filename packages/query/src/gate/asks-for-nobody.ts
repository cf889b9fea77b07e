import { listUnder, type QueryTree, type TreeNode } from './query-tree.js';

/**
 * Whether a query certainly does not ask who did it: nowhere in it the word `distinct_id`, no column list that has it,
 * no join on whatever names two tables share, no table but events by its bare name. Such a query may be asked where
 * events have no person, which costs less. The word is looked for in the text, strings and aliases included: a query
 * that brings the name itself would find its own where it should meet the column.
 *
 * @param query the canonical text of `tree`
 */
export function asksForNobody(query: string, tree: QueryTree): boolean {
  if (/distinct_id|\bnatural\b/i.test(query)) return false;
  // The gate's own, around the query.
  const own = tree.nodes.find((node) => node.kind === 'MATCHER');
  return tree.nodes.every((node) => {
    if (node.kind === 'MATCHER') return node === own || isCounted(node);
    if (node.kind !== 'IDENTIFIER') return true;
    const name = node.fields.get('identifier') ?? '';
    return !name.startsWith('weir.') && name !== 'persons' && name !== 'sessions';
  });
}

/** `count(*)`: not `count(COLUMNS(…))`, which may have that column and another. */
function isCounted(matcher: TreeNode): boolean {
  const call = matcher.parent?.parent?.parent;
  return (
    /, matcher_type: ASTERISK$/.test(matcher.text) &&
    matcher.children.length === 0 &&
    call?.kind === 'FUNCTION' &&
    call.fields.get('function_name')?.toLowerCase() === 'count' &&
    listUnder(call, 'ARGUMENTS').includes(matcher)
  );
}
