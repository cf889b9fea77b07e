import { checkTimeZoneName } from './data-types.js';
import { TIME_ZONE_FROM } from './functions/time-zone-arguments.js';
import { notAllowed } from './gate-refusal.js';
import { constantOf, literalsOf } from './literals.js';
import type { Names } from './names-in-scope.js';
import { stringOf, type TreeNode } from './query-tree.js';

/** Functions whose result is certainly no string, so that they cannot make the name of a time zone. */
const NEVER_TEXT =
  /^(?:toInterval\w+|toDate\w*|toStartOf\w+|now\w*|today|yesterday|toU?Int\d+|negate|minus|length)$/i;

/**
 * The time zones that the calls of one query are given. The engine opens the file when one is called `file:/x`, and a
 * file that never answers, such as a pipe, holds a lock that every query needs. So a time zone stands in the text, or
 * is a parameter, whose value the gate looks at.
 */
export class TimeZones {
  readonly #names: Names;
  readonly #parameters = new Set<string>();
  /** Names that have been looked up: each may have thousands of meanings and of uses. */
  readonly #seen = new Set<string>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** What parameters are called, and perhaps other casts to a string, whose values are time zones. */
  get parameters(): ReadonlySet<string> {
    return this.#parameters;
  }

  /**
   * Checks the arguments of one call.
   *
   * @param name the function's, in lower case
   * @throws QueryError of rule `time_zone`.
   */
  check(name: string, args: readonly TreeNode[]): void {
    const from = TIME_ZONE_FROM.get(name);
    if (from === undefined) return;
    for (const argument of args.slice(from)) this.#checkOne(name, argument);
  }

  #checkOne(name: string, argument: TreeNode): void {
    const identifier = argument.fields.get('identifier');
    if (identifier !== undefined && this.#seen.has(identifier)) return;
    const meanings = literalsOf(argument, this.#names);
    if (meanings === undefined) {
      if (argument.kind === 'FUNCTION' && NEVER_TEXT.test(argument.fields.get('function_name') ?? '')) return;
      throw notAllowed(
        'time_zone',
        identifier ?? name,
        `The time zone of ${name} must be written out.`,
        "Write it as a string such as 'Europe/Berlin', or as a parameter {tz:String}.",
      );
    }
    for (const meaning of meanings) {
      const text = stringOf(constantOf(meaning)) ?? '';
      checkTimeZoneName(text);
      if (meaning.kind === 'FUNCTION') this.#parameters.add(text);
    }
    if (identifier !== undefined) this.#seen.add(identifier);
  }
}
