import { PUBLIC_TABLES } from '@weir/clickhouse';
import { isLiteral } from './literals.js';
import { listUnder, type QueryTree, type TreeNode } from './query-tree.js';

/** Columns of the public views: names that an expression may use anywhere. */
export const PUBLIC_COLUMNS: ReadonlySet<string> = new Set(
  PUBLIC_TABLES.flatMap((table) => table.columns.map((column) => column.name)),
);

/** A query, a WITH entry, or a lambda: it determines the names that its descendants see. */
interface Station {
  readonly node: TreeNode;
  readonly above: Station | undefined;
  /** The position of a WITH entry. */
  readonly entry: number | undefined;
  /** Names of expressions in it; filled on demand. */
  expressions: ReadonlySet<string> | undefined;
  /** The first position of every name in the WITH of a query; filled on demand. */
  ctes: ReadonlyMap<string, number> | undefined;
}

/**
 * Resolves the names of one query in their context. Every answer is cached, because texts with thousands of names
 * exist.
 */
export class Names {
  /** Names of lambdas, which are called like functions. */
  readonly lambdas: ReadonlySet<string>;
  /** Names of arguments of lambdas. */
  readonly lambdaArguments: ReadonlySet<string>;
  readonly #defined = new Map<string, TreeNode[]>();
  readonly #literals = new Map<string, readonly TreeNode[] | undefined>();
  /** The nearest station at or above a node. */
  readonly #stations = new Map<TreeNode, Station | undefined>();

  constructor(tree: QueryTree) {
    const lambdas = tree.nodes.filter((node) => node.kind === 'LAMBDA');
    this.lambdas = new Set(lambdas.map((lambda) => lambda.fields.get('alias') ?? ''));
    this.lambdaArguments = new Set(lambdas.flatMap(argumentNames));
    const entries = new Map<TreeNode, number>();
    // Nodes come after their parents.
    for (const node of tree.nodes) {
      if (node.kind === 'QUERY') listUnder(node, 'WITH').forEach((entry, n) => void entries.set(entry, n));
      const above = node.parent && this.#stations.get(node.parent);
      this.#stations.set(node, stationAt(node, above, entries.get(node)));
      for (const field of ['alias', 'cte_name']) {
        const name = node.fields.get(field);
        if (name === undefined) continue;
        const nodes = this.#defined.get(name);
        if (nodes === undefined) this.#defined.set(name, [node]);
        else nodes.push(node);
      }
    }
  }

  /** All definitions of a name in the query. */
  definitionsOf(name: string): readonly TreeNode[] {
    return this.#defined.get(name) ?? [];
  }

  /** The definitions of a name if all are constants or typed parameters, and there is at least one. */
  literalsNamed(name: string): readonly TreeNode[] | undefined {
    if (this.#literals.has(name)) return this.#literals.get(name);
    const meanings = this.definitionsOf(name);
    const literals = meanings.length > 0 && meanings.every(isLiteral) ? meanings : undefined;
    this.#literals.set(name, literals);
    return literals;
  }

  /**
   * Whether `name`, in the place of a table at `node`, is a CTE. A CTE is visible to later entries of its WITH, to its
   * query, and to itself only if it is recursive; elsewhere the engine resolves the name to a real table.
   */
  isCte(node: TreeNode, name: string): boolean {
    return this.#cteNamed(node, name) !== undefined;
  }

  /**
   * Whether `name`, in an expression at `node`, certainly is an expression: an argument of an enclosing lambda, an
   * alias of an enclosing query, a named column of one of their tables, or a public column.
   */
  isExpression(node: TreeNode, name: string): boolean {
    if (PUBLIC_COLUMNS.has(name)) return true;
    for (let at = this.#stations.get(node); at !== undefined; at = at.above) {
      if (this.#expressionsAt(at).has(name)) return true;
    }
    return false;
  }

  #cteNamed(node: TreeNode, name: string): TreeNode | undefined {
    if (!this.#defined.has(name)) return undefined;
    // The WITH entry of the query that contains the node.
    let entry: number | undefined;
    for (let at = this.#stations.get(node); at !== undefined; at = at.above) {
      if (at.node.kind === 'QUERY') {
        const ctes = listUnder(at.node, 'WITH');
        const self = entry === undefined ? undefined : ctes[entry];
        if (self?.fields.get('cte_name') === name && self.fields.has('is_recursive_cte')) return self;
        const first = ctesAt(at, ctes).get(name);
        if (first !== undefined && (entry === undefined || first < entry)) return ctes[first];
      }
      entry = at.entry;
    }
    return undefined;
  }

  #expressionsAt(at: Station): ReadonlySet<string> {
    if (at.expressions !== undefined) return at.expressions;
    let names: Iterable<string> = [];
    if (at.node.kind === 'LAMBDA') names = argumentNames(at.node);
    if (at.node.kind === 'QUERY') names = [...aliasesIn(at.node), ...this.#columnsOf(at.node)];
    at.expressions = new Set(names);
    return at.expressions;
  }

  /** Columns that sub-selects and CTEs in a query's FROM define. */
  *#columnsOf(query: TreeNode): Generator<string> {
    const joinTree = query.children.find((child) => child.text === 'JOIN TREE');
    if (joinTree === undefined) return;
    for (const node of ownNodes(joinTree)) {
      if (!isTablePlace(node)) continue;
      const table =
        node.kind === 'IDENTIFIER' ? this.#cteNamed(node, node.fields.get('identifier') ?? '') : node;
      const first = table?.kind === 'UNION' ? listUnder(table, 'QUERIES')[0] : table;
      if (first?.kind !== 'QUERY') continue;
      for (const column of listUnder(first, 'PROJECTION')) {
        const name = column.fields.get('alias') ?? column.fields.get('identifier')?.split('.').at(-1);
        if (name !== undefined) yield name;
      }
    }
  }
}

function stationAt(
  node: TreeNode,
  above: Station | undefined,
  entry: number | undefined,
): Station | undefined {
  if (entry === undefined && node.kind !== 'QUERY' && node.kind !== 'LAMBDA') return above;
  return { node, above, entry, expressions: undefined, ctes: undefined };
}

function ctesAt(at: Station, entries: readonly TreeNode[]): ReadonlyMap<string, number> {
  if (at.ctes !== undefined) return at.ctes;
  const ctes = new Map<string, number>();
  entries.forEach((entry, n) => {
    const name = entry.fields.get('cte_name');
    if (name !== undefined && !ctes.has(name)) ctes.set(name, n);
  });
  at.ctes = ctes;
  return ctes;
}

/** Aliases of expressions in the query itself, excluding nested queries. */
function* aliasesIn(query: TreeNode): Generator<string> {
  for (const node of ownNodes(query)) {
    const alias = node.fields.get('alias');
    if (alias !== undefined && !isTablePlace(node)) yield alias;
  }
}

/** The descendants of a node, including queries but not their contents. */
function* ownNodes(top: TreeNode): Generator<TreeNode> {
  const pending = [...top.children];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node;
    if (node.kind !== 'QUERY' && node.kind !== 'UNION') pending.push(...node.children);
  }
}

function argumentNames(lambda: TreeNode): readonly string[] {
  return listUnder(lambda, 'ARGUMENTS').map((argument) => argument.fields.get('identifier') ?? '');
}

/** Whether the node is in the place of a table. */
export function isTablePlace(node: TreeNode): boolean {
  return (
    node.parent?.kind === undefined &&
    /^(?:JOIN TREE|(?:LEFT |RIGHT )?TABLE EXPRESSION)$/.test(node.parent?.text ?? '')
  );
}
