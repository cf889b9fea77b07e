import { notAllowed } from './gate-refusal.js';
import { unescapeSql } from './tokens.js';

/**
 * Parses the engine's `EXPLAIN QUERY TREE run_passes = 0` into a tree: the content of the text before names are
 * resolved or anything runs. A line is either a node (`FUNCTION id: 5, function_name: sum, …`) or the label of a clause
 * (`WHERE`); indentation shows the parent.
 */
export interface TreeNode {
  /** `QUERY`, `FUNCTION`, …; undefined for a label. */
  readonly kind: string | undefined;
  /** The line without its indentation. */
  readonly text: string;
  /** `function_name` and similar fields. Empty for kinds whose line contains free text. */
  readonly fields: ReadonlyMap<string, string>;
  readonly parent: TreeNode | undefined;
  readonly children: TreeNode[];
}

/** The tree and all its nodes, in the order of the text. */
export interface QueryTree {
  readonly root: TreeNode;
  readonly nodes: readonly TreeNode[];
}

/** Maximum levels of a tree. The engine's parser stops at 1,000 of its own; only long chains of joins go deeper. */
const MAX_DEPTH = 2_000;

/** Kinds whose lines contain patterns or values as written, so that only the first field can be trusted. */
const FREE_TEXT = new Set(['CONSTANT', 'MATCHER', 'EXCEPT COLUMN TRANSFORMER', 'SORT']);
const NODE = /^([A-Z_]+(?: [A-Z]+)*) id: (\d+)(?:, (.*))?$/s;
const CONSTANT = /^(?:alias: (.*?), )?constant_value: (.*), constant_value_type: (.*)$/s;

/** The separator of two fields in a line; a name that contains it could forge a field. */
export const FIELD_START = /, ([a-z]+(?:_[a-z]+)*) ?: /;

/**
 * Parses the lines. Ids must count up from 0 and indentation must grow by one step, so that a forged line is detected.
 *
 * @throws QueryError of rule `clause`.
 */
export function readQueryTree(lines: readonly string[]): QueryTree {
  const nodes: TreeNode[] = [];
  const path: TreeNode[] = [];
  let nextId = 0;
  for (const line of lines) {
    if (line === '') continue;
    const text = line.trimStart();
    const depth = (line.length - text.length) / 2;
    if (!Number.isInteger(depth) || depth > path.length || (depth === 0 && path.length > 0))
      throw unreadable(text);
    if (depth > MAX_DEPTH) throw notAllowed('clause', '', 'The query is nested too deeply.');
    path.length = depth;
    const parent = path.at(-1);
    const [, kind, id, rest] = NODE.exec(text) ?? [];
    if (kind !== undefined && Number(id) !== nextId++) throw unreadable(text);
    const node = {
      kind,
      text,
      fields: kind === undefined ? new Map() : readFields(kind, rest ?? ''),
      parent,
      children: [],
    };
    parent?.children.push(node);
    path.push(node);
    nodes.push(node);
  }
  const [root] = nodes;
  if (root === undefined) throw unreadable('');
  return { root, nodes };
}

function readFields(kind: string, rest: string): ReadonlyMap<string, string> {
  if (kind === 'CONSTANT') {
    const [, alias, value, type] = CONSTANT.exec(rest) ?? [];
    if (value === undefined || type === undefined) throw unreadable(rest);
    const fields = new Map([
      ['constant_value', value],
      ['constant_value_type', type],
    ]);
    return alias === undefined ? fields : fields.set('alias', alias);
  }
  const fields = new Map<string, string>();
  if (FREE_TEXT.has(kind) || rest === '') return fields;
  const parts = `, ${rest}`.split(FIELD_START);
  if (parts[0] !== '') throw unreadable(rest);
  for (let n = 1; n < parts.length; n += 2) {
    const name = parts[n] ?? '';
    if (fields.has(name)) throw unreadable(rest);
    fields.set(name, parts[n + 1] ?? '');
  }
  return fields;
}

/** The node and its descendants. */
export function* nodesOf(node: TreeNode): Generator<TreeNode> {
  const pending = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    pending.push(...next.children);
  }
}

/** The items of the list under a label, such as a function's `ARGUMENTS`. */
export function listUnder(node: TreeNode, label: string): readonly TreeNode[] {
  return (
    node.children.find((child) => child.kind === undefined && child.text.trimEnd() === label)?.children[0]
      ?.children ?? []
  );
}

/** The value of a string constant; undefined for every other node. */
export function stringOf(node: TreeNode | undefined): string | undefined {
  const value = node?.kind === 'CONSTANT' ? node.fields.get('constant_value') : undefined;
  const quoted = value === undefined ? undefined : /^'(.*)'$/s.exec(value)?.[1];
  return quoted === undefined ? undefined : unescapeSql(quoted);
}

function unreadable(text: string): Error {
  return notAllowed('clause', text.slice(0, 60), 'The query holds something that this gate cannot read.');
}
