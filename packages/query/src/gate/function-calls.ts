import { insteadOf } from '../hints/foreign-functions.js';
import { nearFunction } from '../hints/near-functions.js';
import { checkDataType } from './data-types.js';
import { SHORT_ARGUMENT } from './functions/bounded-arguments.js';
import { functionVerdict } from './functions/function-verdict.js';
import {
  AGGREGATE_NAME_FIRST,
  HIGHER_ORDER,
  IN_FUNCTION,
  TYPE_ARGUMENT,
} from './functions/names-in-arguments.js';
import type { RefusedGroup } from './functions/refused.js';
import { notAllowed } from './gate-refusal.js';
import { constantOf, literalsOf } from './literals.js';
import type { Names } from './names-in-scope.js';
import { listUnder, nodesOf, stringOf, type TreeNode } from './query-tree.js';
import { type ShortArguments, tooLong } from './short-arguments.js';
import { checkInSet } from './tables.js';
import type { TimeZones } from './time-zones.js';

/** The arguments of calls that are checked by value. */
export interface CheckedValues {
  readonly timeZones: TimeZones;
  readonly shortArguments: ShortArguments;
}

/**
 * Checks one call: the name of the function, and the names in its arguments.
 *
 * @throws QueryError
 */
export function checkCall(call: TreeNode, names: Names, values: CheckedValues): void {
  const name = call.fields.get('function_name') ?? '';
  checkName(name, names.lambdas);
  const lower = name.toLowerCase();
  const args = listUnder(call, 'ARGUMENTS');
  if (IN_FUNCTION.test(name)) checkInSet(args[1], names);
  if (HIGHER_ORDER.has(lower) && args.length > 1) checkFunctionReference(args[0], names);
  const type = TYPE_ARGUMENT.get(lower);
  if (type !== undefined)
    checkDataType(spelledOut(type === 'last' ? args.at(-1) : args[type], name, 'data type'));
  if (AGGREGATE_NAME_FIRST.has(lower)) checkAggregateName(spelledOut(args[0], name, 'aggregate function'));
  if (lower === 'intdiv') checkDivisor(args[1], names);
  values.timeZones.check(lower, args);
  values.shortArguments.check(lower, args);
}

function checkName(name: string, lambdas: ReadonlySet<string>): void {
  const verdict = functionVerdict(name);
  if (verdict.kind === 'refused') throw refusedFunction(name, verdict.group);
  if (verdict.kind === 'allowed' || lambdas.has(name)) return;
  throw notAllowed(
    'function',
    name,
    `There is no function ${name}, or it has not been reviewed for queries.`,
    insteadOf(name) ?? spelling(name),
  );
}

function spelling(name: string): string {
  const near = nearFunction(name);
  if (near !== undefined) return `Did you mean ${near}?`;
  return 'Functions are those of ClickHouse SQL; check the spelling.';
}

function refusedFunction(name: string, group: RefusedGroup): Error {
  return notAllowed('function', name, `The function ${name} is refused because ${group.reason}.`, group.hint);
}

/**
 * `arrayMap(file, names)` calls `file` without a visible call. A bare name there is a function if it has no other
 * meaning, so a refused name is rejected even if it may be a column.
 */
function checkFunctionReference(argument: TreeNode | undefined, names: Names): void {
  const name = argument?.kind === 'IDENTIFIER' ? argument.fields.get('identifier') : undefined;
  if (argument === undefined || name === undefined) return;
  const verdict = functionVerdict(name);
  if (verdict.kind === 'refused') throw refusedFunction(name, verdict.group);
  if (name.toLowerCase() === 'intdiv') throw variableDivisor();
  if (SHORT_ARGUMENT.has(name.toLowerCase())) throw tooLong(name);
  if (verdict.kind === 'allowed' || names.isExpression(argument, name)) return;
  throw notAllowed('function', name, `${name} is no function or column here.`, 'Write a lambda: x -> …');
}

/** A name that determines what the function does must be a literal in the text, where it can be checked. */
function spelledOut(argument: TreeNode | undefined, name: string, what: string): string {
  const text = stringOf(argument);
  if (text !== undefined) return text;
  throw notAllowed(
    'literal',
    name,
    `${name} must be given the name of the ${what} as a string in the query.`,
    `Write it out, such as '${what === 'data type' ? 'UInt64' : 'sum'}', not as an expression or a parameter.`,
  );
}

/** Longer texts are not names with parameters, and the regular expression below takes quadratic time. */
const MAX_AGGREGATE_LENGTH = 1_000;

/** `quantile(0.5)`: the name, followed by constant parameters. */
function checkAggregateName(text: string): void {
  const name = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(|$)/.exec(text)?.[1];
  const verdict = name === undefined ? undefined : functionVerdict(name);
  if (name !== undefined && verdict?.kind === 'refused') throw refusedFunction(name, verdict.group);
  if (text.length > MAX_AGGREGATE_LENGTH)
    throw notAllowed(
      'literal',
      name ?? '',
      `An aggregate function has at most ${MAX_AGGREGATE_LENGTH} characters.`,
    );
  if (verdict?.kind !== 'allowed')
    throw notAllowed('function', text, `There is no aggregate function ${text}.`);
  // The engine's parser reads the parameters, so they may only contain literals.
  if (!/^[^(]*(?:\((?:[\s\w.,+-]|'[^'\\]*')*\))?\s*$/.test(text)) {
    throw notAllowed('literal', text, `The parameters of ${name} must be plain literals.`);
  }
}

/**
 * Integer division by zero raises an error, and the engine first evaluates a condition on the sorting key on the index,
 * before any row policy. A divisor computed from a column would therefore reveal other projects' rows.
 */
function checkDivisor(divisor: TreeNode | undefined, names: Names): void {
  if (divisor === undefined || literalsOf(divisor, names) !== undefined) return;
  for (const node of nodesOf(divisor)) {
    const fixed = node.kind === undefined || node.kind === 'LIST' || constantOf(node).kind === 'CONSTANT';
    const arithmetic = /^(?:plus|minus|multiply|negate|toU?Int\d+|_?cast)$/i.test(
      node.fields.get('function_name') ?? '',
    );
    if (fixed || arithmetic || (node !== divisor && literalsOf(node, names) !== undefined)) continue;
    throw variableDivisor();
  }
}

function variableDivisor(): Error {
  return notAllowed(
    'divisor',
    'intDiv',
    'intDiv and DIV need a constant divisor.',
    'Use intDivOrZero(a, b), or floor(a / b).',
  );
}
