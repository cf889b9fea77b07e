import { checkTimeZoneName } from './data-types.js';
import { TIME_ZONE_FROM } from './functions/time-zone-arguments.js';
import { notAllowed } from './gate-refusal.js';
import { constantOf, literalsOf } from './literals.js';
import type { Names } from './names-in-scope.js';
import { stringOf, type TreeNode } from './query-tree.js';

/** Functions whose result is never a string, so that they cannot produce the name of a time zone. */
const NEVER_TEXT =
  /^(?:toInterval\w+|toDate\w*|toStartOf\w+|now\w*|today|yesterday|toU?Int\d+|negate|minus|length)$/i;

/**
 * Checks the time zones in the calls of one query. The engine opens a file for a zone named `file:/x`, and a file that
 * never answers, such as a pipe, holds a lock that every query needs. So a time zone must be a literal, or a parameter,
 * whose value the gate checks.
 */
export class TimeZones {
  readonly #names: Names;
  readonly #parameters = new Set<string>();
  /** Cached names: each may have thousands of meanings and uses. */
  readonly #seen = new Set<string>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** Names of parameters, and possibly of other casts to a string, whose values are time zones. */
  get parameters(): ReadonlySet<string> {
    return this.#parameters;
  }

  /**
   * Checks the arguments of one call.
   *
   * @param name of the function, in lower case
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
