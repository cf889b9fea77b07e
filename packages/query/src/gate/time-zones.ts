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
 * Checks the time zones a function is given. The engine opens the file when one is called `file:/x`, and a file that
 * never answers, such as a pipe, holds a lock that every query needs. So a time zone stands in the text, or is a
 * parameter, whose value the gate looks at.
 *
 * @param name the function's, in lower case
 * @throws GateRefusal of rule `time_zone`.
 */
export function checkTimeZoneArguments(name: string, args: readonly TreeNode[], names: Names): void {
  for (const argument of timeZonesOf(name, args)) {
    const meanings = literalsOf(argument, names);
    if (meanings === undefined) {
      if (argument.kind === 'FUNCTION' && NEVER_TEXT.test(argument.fields.get('function_name') ?? ''))
        continue;
      throw notAllowed(
        'time_zone',
        argument.fields.get('identifier') ?? name,
        `The time zone of ${name} must be written out.`,
        "Write it as a string such as 'Europe/Berlin', or as a parameter {tz:String}.",
      );
    }
    for (const meaning of meanings) checkTimeZoneName(stringOf(constantOf(meaning)) ?? '');
  }
}

/** Names of the parameters that a function takes as time zones. */
export function timeZoneParameters(name: string, args: readonly TreeNode[], names: Names): string[] {
  return timeZonesOf(name, args)
    .flatMap((argument) => literalsOf(argument, names) ?? [])
    .filter((meaning) => meaning.kind === 'FUNCTION')
    .map((meaning) => stringOf(constantOf(meaning)) ?? '');
}

function timeZonesOf(name: string, args: readonly TreeNode[]): readonly TreeNode[] {
  const from = TIME_ZONE_FROM.get(name);
  return from === undefined ? [] : args.slice(from);
}
