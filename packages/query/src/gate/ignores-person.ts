import { listUnder, type QueryTree, type TreeNode } from './query-tree.js';

/**
 * Whether a query certainly does not use the person. It must not contain the word `distinct_id`, a column list that
 * includes it, a join on all common columns, or a table other than events by its bare name. Such a query can run on
 * views without the person, which costs less. The word is searched in the whole text, including strings and aliases: a
 * query that defines the name itself would otherwise resolve it differently there.
 *
 * @param query the canonical text of `tree`
 */
export function ignoresPerson(query: string, tree: QueryTree): boolean {
  if (/distinct_id|\bnatural\b/i.test(query)) return false;
  // The matcher of the gate's SELECT around the query.
  const own = tree.nodes.find((node) => node.kind === 'MATCHER');
  return tree.nodes.every((node) => {
    if (node.kind === 'MATCHER') return node === own || isCounted(node);
    if (node.kind !== 'IDENTIFIER') return true;
    const name = node.fields.get('identifier') ?? '';
    return !name.startsWith('weir.') && name !== 'persons' && name !== 'sessions';
  });
}

/** Whether a matcher is that of `count(*)`; not `count(COLUMNS(…))`, which may include that column and another. */
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
