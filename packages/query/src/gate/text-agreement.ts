import { notAllowed } from './gate-refusal.js';
import { listUnder, type QueryTree, type TreeNode } from './query-tree.js';
import { isName, isSymbol } from './text-rules.js';
import type { Token } from './tokens.js';

/** Words before a parenthesis that are not calls. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `ALL AND ANY APPLY ARRAY AS BETWEEN BY COLUMNS CUBE DISTINCT ELSE EXCEPT FILL FOLLOWING FROM GROUP HAVING ILIKE IN
   INTERPOLATE INTERSECT IS JOIN LEFT LIKE LIMIT MATERIALIZED NOT OFFSET ON OR ORDER OVER PARTITION PRECEDING
   PREWHERE QUALIFY RANGE RECURSIVE REPLACE ROLLUP ROWS SELECT SETS STALENESS STEP THEN TO UNION USING WHEN WHERE
   WINDOW WITH`
    .trim()
    .split(/\s+/),
);

/**
 * The second check: every call and SELECT in the text must appear in the checked tree, equally often. Otherwise a part
 * that the tree omits would escape the check (as the operand of `(…).*` did).
 *
 * @throws QueryError of rule `clause`.
 */
export function checkAgreement(tokens: readonly Token[], tree: QueryTree): void {
  const { calls, selects } = countTree(tree);
  let selected = 0;
  tokens.forEach((token, n) => {
    if (token.kind === 'word' && token.text === 'SELECT') selected += 1;
    if (!isCall(tokens, n)) return;
    const name = token.text.toLowerCase();
    const left = calls.get(name) ?? 0;
    if (left === 0) throw disagreement(token.text);
    calls.set(name, left - 1);
  });
  if (selected !== selects) throw disagreement('SELECT');
}

function isCall(tokens: readonly Token[], n: number): boolean {
  const token = tokens[n];
  if (!isName(token) || !isSymbol(tokens[n + 1], '(')) return false;
  if (token.kind === 'word' && KEYWORDS.has(token.text)) return false;
  const before = tokens[n - 1];
  // A table alias with columns: AS t(a, b).
  if (before?.kind === 'word' && before.text === 'AS') return false;
  return !isCteWithColumns(tokens, n + 1);
}

/** `WITH t(a, b) AS (`: a list of names followed by AS and a parenthesis. */
function isCteWithColumns(tokens: readonly Token[], open: number): boolean {
  let at = open + 1;
  while (isName(tokens[at]) || isSymbol(tokens[at], ',')) at += 1;
  if (!isSymbol(tokens[at], ')')) return false;
  const as = tokens[at + 1];
  return as?.kind === 'word' && as.text === 'AS' && isSymbol(tokens[at + 2], '(');
}

function countTree(tree: QueryTree): { calls: Map<string, number>; selects: number } {
  const calls = new Map<string, number>();
  const copies = copiedCtes(tree);
  // The outermost query is the gate's own.
  let selects = -1;
  const pending = [tree.root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (copies.has(node)) continue;
    if (node.kind === 'QUERY') selects += 1;
    const name = (node.fields.get('function_name') ?? node.fields.get('table_function_name'))?.toLowerCase();
    if (name !== undefined) calls.set(name, (calls.get(name) ?? 0) + 1);
    pending.push(...node.children);
  }
  return { calls, selects };
}

/** A WITH before a UNION appears once in the text and in every branch of the tree. */
function copiedCtes(tree: QueryTree): ReadonlySet<TreeNode> {
  const copies = new Set<TreeNode>();
  for (const union of tree.nodes) {
    if (union.kind !== 'UNION') continue;
    const [first, ...others] = listUnder(union, 'QUERIES').map(firstQuery);
    const originals = new Set((first === undefined ? [] : listUnder(first, 'WITH')).map(shapeOf));
    for (const other of others) {
      for (const entry of other === undefined ? [] : listUnder(other, 'WITH')) {
        if (originals.has(shapeOf(entry))) copies.add(entry);
      }
    }
  }
  return copies;
}

function firstQuery(branch: TreeNode): TreeNode | undefined {
  const [first] = listUnder(branch, 'QUERIES');
  return branch.kind === 'UNION' && first !== undefined ? firstQuery(first) : branch;
}

/** The node with its descendants, without the ids that distinguish copies. */
function shapeOf(node: TreeNode): string {
  return `${node.text.replace(/ id: \d+/, '')}(${node.children.map(shapeOf).join('|')})`;
}

function disagreement(name: string): Error {
  return notAllowed('clause', name, `This use of ${name} could not be checked, so it is refused.`);
}
