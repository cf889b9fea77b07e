import { listUnder, type QueryTree, stringOf, type TreeNode } from './query-tree.js';
import { isName, isSymbol } from './text-rules.js';
import type { Token } from './tokens.js';

/**
 * Whether a query certainly cannot fail on any value of `timestamp`. The engine first evaluates conditions on the
 * sorting key on the marks of the index, before any row policy: an error there would reveal when events of other
 * projects happened. Queries known to be safe may use `timestamp` as the key; all others use it wrapped.
 *
 * It is only known for queries that consist of the functions below, for times from 1900 to 2299 and arguments of any
 * type; where the arguments matter, they are checked too. In doubt the answer is no, which only makes the query slower.
 */
export function keepsToKey(tokens: readonly Token[], tree: QueryTree): boolean {
  if (renamesColumns(tokens)) return false;
  const given = readGiven(tree);
  return tree.nodes.every((node) => {
    if (node.kind === undefined) return LABELS.test(node.text.trimEnd());
    if (node.kind === 'CONSTANT') return isPlainConstant(node);
    if (node.kind === 'SORT') return !node.text.includes('with_fill: 1');
    if (node.kind === 'FUNCTION') return isTotal(node, given);
    return KINDS.has(node.kind);
  });
}

const KINDS = new Set(['CROSS JOIN', 'IDENTIFIER', 'JOIN', 'LIST', 'MATCHER', 'QUERY', 'UNION']);

/** `WITH t(a, b) AS (…` and `(…) AS t(a, b)`, which only the text shows. */
function renamesColumns(tokens: readonly Token[]): boolean {
  return tokens.some((token, n) => {
    if (token.kind !== 'word' || token.text !== 'AS') return false;
    if (isSymbol(tokens[n - 1], ')') && isSymbol(tokens[n + 1], '(')) return true;
    return isName(tokens[n + 1]) && isSymbol(tokens[n + 2], '(');
  });
}

/** Facts about a query, computed once and looked up by each call. */
interface Given {
  /** The definitions of names. */
  readonly names: ReadonlyMap<string, readonly TreeNode[]>;
  /** Nodes with a descendant that reads a table. */
  readonly fromRows: ReadonlySet<TreeNode>;
  /** Whether names stand for times of rows; filled on demand. */
  readonly times: Map<string, boolean>;
}

function readGiven(tree: QueryTree): Given {
  const names = new Map<string, TreeNode[]>();
  const fromRows = new Set<TreeNode>();
  // From the leaves up: nodes come after their parents.
  for (const node of tree.nodes.toReversed()) {
    if (!isOfConstants(node)) fromRows.add(node);
    if (node.parent !== undefined && fromRows.has(node)) fromRows.add(node.parent);
    const alias = node.fields.get('alias');
    if (alias === undefined) continue;
    // A name in backticks may contain dots: `a.timestamp` must not count as the column of a.
    for (const name of new Set([alias, alias.split('.').at(-1) ?? ''])) {
      const nodes = names.get(name);
      if (nodes === undefined) names.set(name, [node]);
      else nodes.push(node);
    }
  }
  return { names, fromRows, times: new Map() };
}

function isOfConstants(node: TreeNode): boolean {
  if (node.kind === undefined) return true;
  return /^(?:CONSTANT|FUNCTION|LIST)$/.test(node.kind) && !AGGREGATES.has(nameOf(node).replace(/if$/, ''));
}

/** Without windows, gap filling and transformers. */
const LABELS =
  /^(?:ARGUMENTS|GROUP BY|HAVING|JOIN EXPRESSIONS?|JOIN TREE|(?:LEFT |RIGHT )?TABLE EXPRESSION|LIMIT|LIMIT BY|LIMIT BY LIMIT|LIMIT BY OFFSET|OFFSET|ORDER BY|PARAMETERS|PROJECTION|QUERIES|WHERE|WITH|EXPRESSION(?: .*)?)$/;

/** Functions that cannot fail for any arguments. */
const TOTAL = names(`
  and concat empty endsWith isNotNull isNull JSONExtractBool JSONExtractFloat JSONExtractInt
  JSONExtractRaw JSONExtractString JSONExtractUInt JSONHas length lower not notEmpty now or startsWith today
  toString upper yesterday`);

/** Branches are converted to a common type, which a computed time may not fit; only the chosen branch is computed. */
const BRANCHES = names('coalesce if ifNull multiIf');

/** A number compared with a time is scaled, which fails for large ones, so both sides are checked. */
const COMPARISONS = names(`
  equals greater greaterOrEquals in less lessOrEquals notEquals notIn nullIf`);

/** Aggregates only see rows that the policy permits; they are listed so that their context is checked. */
const AGGREGATES = names(`
  any anyLast argMax argMin avg count groupArray max median min quantile sum topK uniq uniqExact`);

/** Functions of times only: a text argument is an error for any content. */
const OF_TIME = names(`
  toDayOfMonth toHour toMinute toMonday toMonth toQuarter toStartOfDay toStartOfFifteenMinutes
  toStartOfFiveMinutes toStartOfHour toStartOfMinute toStartOfMonth toStartOfQuarter toStartOfWeek toStartOfYear
  toYYYYMM toYYYYMMDD toYear`);

/** Functions that parse texts, and fail on some: safe for a time, otherwise only for constants. */
const READING = names('toDate toDateTime toDayOfWeek');

/** Columns that are not times. */
const TEXT_COLUMNS = new Set(['anonymous_id', 'distinct_id', 'event', 'event_id', 'session_id', 'user_id']);

/** Functions for constants only: those that fail do so for any rows. */
const OF_CONSTANTS = names(`
  addDays addHours addMinutes addMonths addQuarters addSeconds addWeeks addYears minus negate plus subtractDays
  subtractHours subtractMinutes subtractMonths subtractQuarters subtractSeconds subtractWeeks subtractYears
  toIntervalDay toIntervalHour toIntervalMinute toIntervalMonth toIntervalQuarter toIntervalSecond toIntervalWeek
  toIntervalYear`);

/** Types that a constant may be cast to: a scale above that of timestamp would make comparisons overflow. */
const CAST_TO =
  /^(?:Nullable|Array|LowCardinality|[()]|Date32|DateTime64\([0-3](?:, '[^']*')?\)|DateTime(?:\('[^']*'\))?|Date|String|U?Int(?:8|16|32|64)|Float(?:32|64)|Bool|UUID)+$/;

/** Types of constants without a cast: no Decimal, no time. */
const CONSTANT_TYPE = /^(?:Nullable|Array|Tuple|[(), ]|String|U?Int(?:8|16|32|64)|Float64|Bool|Nothing)+$/;

/** The longest interval that times may be rounded to. */
const MAX_INTERVAL = 1_000_000;

function isTotal(call: TreeNode, given: Given): boolean {
  const name = nameOf(call);
  const isConstant = (node: TreeNode): boolean => !given.fromRows.has(node);
  const args = listUnder(call, 'ARGUMENTS');
  const [first, second] = args;
  if (TOTAL.has(name) || AGGREGATES.has(name.replace(/if$/, ''))) return true;
  if (OF_TIME.has(name)) return args.slice(1).every(isConstant);
  if (READING.has(name)) {
    return (
      args.slice(1).every(isConstant) && (first === undefined || isConstant(first) || isKey(first, given))
    );
  }
  if (COMPARISONS.has(name))
    return first !== undefined && second !== undefined && areComparable(first, second, given);
  if (BRANCHES.has(name)) return args.every((argument) => isPlainBranch(argument, given));
  if (OF_CONSTANTS.has(name)) return args.every(isConstant);
  if (name === 'cast' || name === '_cast')
    return args.every(isConstant) && CAST_TO.test(stringOf(second) ?? '');
  if (name === 'todatetime64') return args.every(isConstant) && /^UInt64_[0-3]$/.test(constantValue(second));
  // A pattern may be invalid.
  if (/^(?:not)?i?like$/.test(name)) return second !== undefined && isConstant(second);
  // With an origin it fails on earlier times.
  if (name === 'tostartofinterval') return args.length === 2 && isShortInterval(second);
  return false;
}

/**
 * Of two compared values, a constant that is not a time can only fail to convert by itself. A constant time may be
 * compared with times, and columns with columns of the same kind.
 */
function areComparable(left: TreeNode, right: TreeNode, given: Given): boolean {
  if (isTimelessConstant(left) || isTimelessConstant(right)) return true;
  if (isText(left, given)) return isText(right, given) || isQuery(right);
  return [left, right].every((side) => !given.fromRows.has(side) || isTime(side, given));
}

function isPlainBranch(node: TreeNode, given: Given): boolean {
  const name = identifierOf(node);
  if (name !== undefined) return !given.names.has(name.split('.').at(-1) ?? '');
  return node.kind === 'CONSTANT' || (node.kind === 'FUNCTION' && given.fromRows.has(node));
}

function isQuery(node: TreeNode): boolean {
  return node.kind === 'QUERY' || node.kind === 'UNION';
}

/** A literal, or a parameter of a type without times. */
function isTimelessConstant(node: TreeNode): boolean {
  if (node.kind === 'CONSTANT') return true;
  const [value, type] = listUnder(node, 'ARGUMENTS');
  return nameOf(node) === '_cast' && value?.kind === 'CONSTANT' && !/date/i.test(stringOf(type) ?? 'date');
}

/** A time of a row: the column, the result of a time function on it, or a name for either. */
function isTime(node: TreeNode, given: Given): boolean {
  const name = identifierOf(node);
  if (name === undefined || isKey(node, given)) return isTimeItself(node, given);
  const known = given.times.get(name);
  if (known !== undefined) return known;
  const time = given.names.get(name)?.every((meaning) => isTimeItself(meaning, given)) ?? false;
  given.times.set(name, time);
  return time;
}

function isTimeItself(node: TreeNode, given: Given): boolean {
  const name = nameOf(node);
  return isKey(node, given) || OF_TIME.has(name) || READING.has(name) || name === 'tostartofinterval';
}

function isPlainConstant(node: TreeNode): boolean {
  return CONSTANT_TYPE.test(node.fields.get('constant_value_type') ?? '');
}

/** A text column, by a name that the query does not redefine. */
function isText(node: TreeNode, given: Given): boolean {
  const name = identifierOf(node)?.split('.').at(-1) ?? '';
  return TEXT_COLUMNS.has(name) && !given.names.has(name);
}

/** A time as the view exposes it. */
function isKey(node: TreeNode, given: Given): boolean {
  const name = identifierOf(node)?.split('.').at(-1) ?? '';
  return (name === 'timestamp' || name === 'received_at') && !given.names.has(name);
}

function identifierOf(node: TreeNode): string | undefined {
  return node.kind === 'IDENTIFIER' ? node.fields.get('identifier') : undefined;
}

function nameOf(node: TreeNode): string {
  return node.fields.get('function_name')?.toLowerCase() ?? '';
}

function isShortInterval(node: TreeNode | undefined): boolean {
  if (
    !/^tointerval(?:second|minute|hour|day|week|month|quarter|year)$/i.test(
      node?.fields.get('function_name') ?? '',
    )
  ) {
    return false;
  }
  const [length] = node === undefined ? [] : listUnder(node, 'ARGUMENTS');
  const value = Number(/^UInt64_(\d+)$/.exec(constantValue(length))?.[1] ?? 0);
  return value > 0 && value <= MAX_INTERVAL;
}

function constantValue(node: TreeNode | undefined): string {
  return node?.fields.get('constant_value') ?? '';
}

function names(list: string): ReadonlySet<string> {
  return new Set(list.toLowerCase().trim().split(/\s+/));
}
