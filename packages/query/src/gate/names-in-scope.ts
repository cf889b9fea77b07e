import { PUBLIC_TABLES } from '@weir/clickhouse';
import { ancestorsOf, listUnder, nodesOf, type QueryTree, type TreeNode } from './query-tree.js';

/** Columns of the public views: names that an expression may use anywhere. */
const PUBLIC_COLUMNS: ReadonlySet<string> = new Set(
  PUBLIC_TABLES.flatMap((table) => table.columns.map((column) => column.name)),
);

/** What the names of one query mean where they stand. Every answer is looked up: texts with thousands of names exist. */
export class Names {
  /** Names of lambdas, which are called like functions. */
  readonly lambdas: ReadonlySet<string>;
  /** Names of arguments of lambdas. */
  readonly lambdaArguments: ReadonlySet<string>;
  readonly #defined = new Map<string, TreeNode[]>();
  readonly #expressions = new Map<TreeNode, ReadonlySet<string>>();

  constructor(tree: QueryTree) {
    const lambdas = tree.nodes.filter((node) => node.kind === 'LAMBDA');
    this.lambdas = new Set(lambdas.map((lambda) => lambda.fields.get('alias') ?? ''));
    this.lambdaArguments = new Set(lambdas.flatMap(argumentNames));
    for (const node of tree.nodes) {
      for (const field of ['alias', 'cte_name']) {
        const name = node.fields.get(field);
        if (name === undefined) continue;
        const nodes = this.#defined.get(name);
        if (nodes === undefined) this.#defined.set(name, [node]);
        else nodes.push(node);
      }
    }
  }

  /** Everything in the query that is given this name. */
  definitionsOf(name: string): readonly TreeNode[] {
    return this.#defined.get(name) ?? [];
  }

  /**
   * Whether `name`, in a table's place at `node`, is a CTE there. A CTE is seen by what follows it in its WITH and by
   * its query, and by itself only when recursive: anywhere else the engine takes the name for a real table.
   */
  isCte(node: TreeNode, name: string): boolean {
    return this.#cteNamed(node, name) !== undefined;
  }

  /**
   * Whether `name`, in an expression at `node`, certainly is an expression: an argument of a lambda around it, an
   * alias of a query around it, a column that one of their tables has by its name, or a public column.
   */
  isExpression(node: TreeNode, name: string): boolean {
    if (PUBLIC_COLUMNS.has(name)) return true;
    for (const above of ancestorsOf(node)) {
      if (above.kind === 'LAMBDA' && argumentNames(above).includes(name)) return true;
      if (above.kind === 'QUERY' && this.#expressionsOf(above).has(name)) return true;
    }
    return false;
  }

  #cteNamed(node: TreeNode, name: string): TreeNode | undefined {
    const candidates = this.definitionsOf(name).filter((other) => other.fields.has('cte_name'));
    if (candidates.length === 0) return undefined;
    const path = new Set([node, ...ancestorsOf(node)]);
    for (const query of path) {
      if (query.kind !== 'QUERY') continue;
      const ctes = listUnder(query, 'WITH');
      const inside = ctes.findIndex((cte) => path.has(cte));
      const self = ctes[inside];
      if (self?.fields.get('cte_name') === name && self.fields.has('is_recursive_cte')) return self;
      const seen = inside === -1 ? ctes : ctes.slice(0, inside);
      const found = seen.find((cte) => cte.fields.get('cte_name') === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #expressionsOf(query: TreeNode): ReadonlySet<string> {
    let names = this.#expressions.get(query);
    if (names === undefined) {
      names = new Set([...aliasesIn(query), ...this.#columnsOf(query)]);
      this.#expressions.set(query, names);
    }
    return names;
  }

  /** Columns that the sub-selects and CTEs in a query's FROM make. */
  *#columnsOf(query: TreeNode): Generator<string> {
    const joinTree = query.children.find((child) => child.text === 'JOIN TREE');
    if (joinTree === undefined) return;
    for (const node of nodesOf(joinTree)) {
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

/** Aliases of expressions in the query itself, not in those inside it. */
function* aliasesIn(query: TreeNode): Generator<string> {
  const pending = [...query.children];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const alias = node.fields.get('alias');
    if (alias !== undefined && !isTablePlace(node)) yield alias;
    if (node.kind !== 'QUERY' && node.kind !== 'UNION') pending.push(...node.children);
  }
}

function argumentNames(lambda: TreeNode): readonly string[] {
  return listUnder(lambda, 'ARGUMENTS').map((argument) => argument.fields.get('identifier') ?? '');
}

/** Whether the node stands where a table does. */
export function isTablePlace(node: TreeNode): boolean {
  return (
    node.parent?.kind === undefined &&
    /^(?:JOIN TREE|(?:LEFT |RIGHT )?TABLE EXPRESSION)$/.test(node.parent?.text ?? '')
  );
}
