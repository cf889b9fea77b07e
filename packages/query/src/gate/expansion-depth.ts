import { notAllowed } from './gate-refusal.js';
import type { QueryTree, TreeNode } from './query-tree.js';

/**
 * Maximum chain of names that refer to each other. The engine follows names without a check of its stack:
 * 2,500 work, and 5,000 crash it for all projects.
 */
const MAX_HOPS = 200;
/** Maximum depth of a query after names are expanded, in nodes. The parser accepts 1,000 before expansion. */
const MAX_LEVELS = 1_500;
/** Parts of one dotted name. */
const MAX_PARTS = 64;

/** A node of the tree, or the meaning of one name in one scope. */
interface Point {
  /** The increments of {@link Point.hops} and {@link Point.levels} from this point upwards. */
  readonly hop: number;
  readonly level: number;
  readonly above: Point[];
  /** Number of points below that have not been counted yet. */
  waiting: number;
  hops: number;
  levels: number;
}

/**
 * Checks how deep the query becomes when every alias, CTE and lambda is expanded. It counts from the leaves up, every
 * point once, so that thousands of names take linear time.
 *
 * @throws QueryError of rule `clause`.
 */
export function checkExpansion(tree: QueryTree): void {
  const points = linkedPoints(tree);
  const ready = points.filter((point) => point.waiting === 0);
  let hops = 0;
  let levels = 0;
  for (let point = ready.pop(); point !== undefined; point = ready.pop()) {
    hops = Math.max(hops, point.hops + point.hop);
    levels = Math.max(levels, point.levels + point.level);
    for (const above of point.above) {
      above.hops = Math.max(above.hops, point.hops + point.hop);
      above.levels = Math.max(above.levels, point.levels + point.level);
      above.waiting -= 1;
      if (above.waiting === 0) ready.push(above);
    }
  }
  // Names in a circle, and those that lead into one: a path visits each of them at most once.
  for (const point of points) if (point.waiting > 0) hops += point.hop;
  if (hops > MAX_HOPS || levels > MAX_LEVELS) throw tooDeep();
}

/** A point for every node and for every possible meaning of a name, each linked to the points that depend on it. */
function linkedPoints(tree: QueryTree): Point[] {
  const meanings = new Meanings(tree);
  const points = new Map<TreeNode, Point>();
  for (const node of tree.nodes) {
    const point = newPoint(0, node.kind === undefined || node.kind === 'LIST' ? 0 : 1);
    points.set(node, point);
    const above = node.parent === undefined ? undefined : points.get(node.parent);
    if (above !== undefined) link(point, above);
  }
  for (const [node, point] of points) meanings.link(node, point);
  return [...points.values(), ...meanings.points()];
}

function newPoint(hop: number, level: number): Point {
  return { hop, level, above: [], waiting: 0, hops: 0, levels: 0 };
}

function link(below: Point, above: Point): void {
  below.above.push(above);
  above.waiting += 1;
}

/** A definition around a node, and the next outer one. */
interface Enclosure {
  readonly name: string;
  readonly scope: TreeNode | undefined;
  readonly outer: Enclosure | undefined;
}

/** The meanings of names in a query, by scope; each query is a scope. */
class Meanings {
  readonly #scopes = new Map<TreeNode, TreeNode | undefined>();
  readonly #enclosures = new Map<TreeNode, Enclosure | undefined>();
  readonly #named = new Map<string, Map<TreeNode | undefined, Point>>();
  readonly #lambdas = new Set<string>();

  constructor(tree: QueryTree) {
    // Nodes come after their parents.
    for (const node of tree.nodes) {
      const { parent } = node;
      const scope = parent?.kind === 'QUERY' ? parent : parent && this.#scopes.get(parent);
      let enclosure = parent && this.#enclosures.get(parent);
      for (const name of namesGiven(node)) {
        enclosure = { name, scope, outer: enclosure };
        const named = this.#named.get(name) ?? new Map<TreeNode | undefined, Point>();
        this.#named.set(name, named);
        if (!named.has(scope)) named.set(scope, newPoint(1, 0));
        if (node.kind === 'LAMBDA') this.#lambdas.add(name);
      }
      this.#scopes.set(node, scope);
      this.#enclosures.set(node, enclosure);
    }
    for (const named of this.#named.values()) {
      for (const [scope, point] of named) {
        // A name without a match is looked up in the next outer scope.
        const outer = scope && find(named, this.#scopes.get(scope), this.#scopes)?.point;
        if (outer !== undefined) link(outer, point);
      }
    }
  }

  /** Links the point of a node to the names that it defines and that it uses. */
  link(node: TreeNode, point: Point): void {
    for (const name of namesGiven(node)) {
      const given = this.#named.get(name)?.get(this.#scopes.get(node));
      if (given !== undefined) link(point, given);
    }
    for (const name of this.#namesUsed(node)) {
      const used = this.#meaningAt(node, name);
      if (used !== undefined) link(used, point);
    }
  }

  points(): Point[] {
    return [...this.#named.values()].flatMap((named) => [...named.values()]);
  }

  /** Inside its own definition a name means a column, or a definition further out. */
  #meaningAt(node: TreeNode, name: string): Point | undefined {
    const named = this.#named.get(name);
    if (named === undefined) return undefined;
    let found = find(named, this.#scopes.get(node), this.#scopes);
    for (let around = this.#enclosures.get(node); around !== undefined; around = around.outer) {
      if (found === undefined) return undefined;
      if (around.name !== name || around.scope !== found.scope) continue;
      found = found.scope && find(named, this.#scopes.get(found.scope), this.#scopes);
    }
    return found?.point;
  }

  *#namesUsed(node: TreeNode): Generator<string> {
    const called = `alias ${node.fields.get('function_name') ?? ''}`;
    if (node.kind === 'FUNCTION' && this.#lambdas.has(called)) yield called;
    const name = node.kind === 'IDENTIFIER' ? node.fields.get('identifier') : undefined;
    if (name === undefined) return;
    // Of a.b.c any prefix may be the name; a name in backticks may contain dots.
    let parts = 0;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      parts += 1;
      if (parts === MAX_PARTS) throw tooDeep();
      yield `alias ${name.slice(0, dot)}`;
    }
    yield `alias ${name}`;
    yield `cte ${name}`;
  }
}

function find(
  named: ReadonlyMap<TreeNode | undefined, Point>,
  from: TreeNode | undefined,
  scopes: ReadonlyMap<TreeNode, TreeNode | undefined>,
): { readonly scope: TreeNode | undefined; readonly point: Point } | undefined {
  for (let scope = from; scope !== undefined; scope = scopes.get(scope)) {
    const point = named.get(scope);
    if (point !== undefined) return { scope, point };
  }
  return undefined;
}

/** The names that a node defines; names of CTEs and of expressions are separate. */
function namesGiven(node: TreeNode): string[] {
  const alias = node.fields.get('alias');
  const cte = node.fields.get('cte_name');
  return [...(alias === undefined ? [] : [`alias ${alias}`]), ...(cte === undefined ? [] : [`cte ${cte}`])];
}

function tooDeep(): Error {
  return notAllowed(
    'clause',
    '',
    'Too many names in this query stand for one another.',
    `Write expressions out where they are used, and let at most ${MAX_HOPS} names follow from one another.`,
  );
}
