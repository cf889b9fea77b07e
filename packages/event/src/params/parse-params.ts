import { didYouMean } from '../near-names.js';
import type { ParamDef } from './param-def.js';
import type { ParamArgument, ParamsOf } from './params.js';
import { type ParamProblem, ParamsError } from './params-error.js';
import { readValue } from './read-value.js';

/**
 * Parses params written as `name=value` after `-p`: types, defaults, required params. A `multi` may be repeated or
 * separated by commas (`\,` is a literal comma); duplicates are removed and the order is kept.
 *
 * ```ts
 * parseParams([{ name: 'n', type: 'int', description: 'How many', default: '5' }], []); // { n: 5 }
 * ```
 *
 * @throws ParamsError with all problems of all params.
 */
export function parseParams<const P extends readonly ParamDef[]>(
  defs: P,
  args: readonly string[],
): ParamsOf<P> {
  const problems: ParamProblem[] = [];
  const given = group(defs, args, problems);
  const params = new Map<string, ParamArgument | undefined>();
  for (const def of defs) {
    const texts = given.get(def.name) ?? (def.default === undefined ? [] : [def.default]);
    if (def.required === true && texts.every((text) => text === '')) {
      problems.push({
        param: def.name,
        message: `Param \`${def.name}\` is required${texts.length > 0 ? ', but empty' : ''}.`,
        hint: `Give -p ${def.name}=VALUE: ${def.description}`,
      });
    } else if (texts.length === 0) {
      params.set(def.name, def.type === 'multi' ? [] : undefined);
    } else {
      const read = readValue(def, texts);
      if (read.ok) params.set(def.name, read.value);
      else problems.push(...read.reasons.map((reason) => ({ param: def.name, ...reason })));
    }
  }
  if (problems.length > 0) throw new ParamsError(problems);
  // The loop has set every name of P to a value of its type.
  return Object.fromEntries(params) as ParamsOf<P>;
}

function group(
  defs: readonly ParamDef[],
  args: readonly string[],
  problems: ParamProblem[],
): Map<string, string[]> {
  const names = defs.map((def) => def.name);
  const given = new Map<string, string[]>();
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (!names.includes(name)) {
      const known =
        names.length === 0 ? 'This key takes no params.' : `It takes: ${[...names].sort().join(', ')}.`;
      const near = didYouMean(name, names);
      problems.push({
        param: name,
        message: `There is no param \`${name}\`.`,
        hint: near === undefined ? known : `${near} ${known}`,
      });
    } else if (equals < 0) {
      problems.push({
        param: name,
        message: `Param \`${name}\` has no value.`,
        hint: `Write it with an equals sign: -p ${name}=VALUE.`,
      });
    } else {
      given.set(name, [...(given.get(name) ?? []), arg.slice(equals + 1)]);
    }
  }
  return given;
}
