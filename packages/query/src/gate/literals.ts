import type { Names } from './names-in-scope.js';
import { listUnder, type TreeNode } from './query-tree.js';

/**
 * The constant value of a node if the text alone determines it: the node itself if it is a constant or a typed
 * parameter, or the constants of a name (`WITH 'UTC' AS tz`). Undefined if the value must be computed, as in
 * `concat('f', 'ile:')`: the engine folds such expressions into constants before it evaluates them.
 */
export function literalsOf(node: TreeNode, names: Names): readonly TreeNode[] | undefined {
  if (isLiteral(node)) return [node];
  const name = node.kind === 'IDENTIFIER' ? node.fields.get('identifier') : undefined;
  if (name === undefined || names.lambdaArguments.has(name)) return undefined;
  return names.literalsNamed(name);
}

/** The constant in a typed parameter or a cast literal. */
export function constantOf(node: TreeNode): TreeNode {
  const [value] = castArguments(node) ?? [];
  return value ?? node;
}

/** A constant or a typed parameter. */
export function isLiteral(node: TreeNode): boolean {
  return constantOf(node).kind === 'CONSTANT';
}

function castArguments(node: TreeNode): readonly TreeNode[] | undefined {
  if (node.kind !== 'FUNCTION' || !/^_?cast$/i.test(node.fields.get('function_name') ?? '')) return undefined;
  return listUnder(node, 'ARGUMENTS');
}
