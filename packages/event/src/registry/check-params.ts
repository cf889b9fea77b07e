import { didYouMean } from '../near-names.js';
import { PARAM_TYPES, type ParamDef, type ParamType } from '../params/param-def.js';
import { readValue } from '../params/read-value.js';
import type { UncheckedParam } from './key-shape.js';

/** A problem of a definition: location and fix. */
export interface KeyProblem {
  readonly path: string;
  readonly message: string;
}

/** Validates a key's params; returns all problems. */
export function checkParams(params: readonly UncheckedParam[]): KeyProblem[] {
  const names = new Set<string>();
  return params.flatMap((param, i) => {
    const path = `params[${i}]`;
    const { name = '' } = param;
    const problems = checkParam(param, path);
    if (name !== '' && names.has(name)) {
      problems.push({
        path: `${path}.name`,
        message: `There is another param \`${name}\`. Rename one of them.`,
      });
    }
    names.add(name);
    return problems;
  });
}

function checkParam(param: UncheckedParam, path: string): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const wrong = (member: string, message: string) => problems.push({ path: `${path}.${member}`, message });
  const { name = '', type = 'string', values = [], anyValue = false } = param;
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
    wrong('name', 'Give a name of letters, digits, `_`, `-` and `.` that begins with a letter or `_`.');
  }
  if (!param.description) wrong('description', 'Describe the param: people and agents choose by it.');
  if (!isParamType(type)) {
    const near = didYouMean(type, PARAM_TYPES);
    wrong('type', `\`${type}\` is not a param type. ${near ?? `Types: ${PARAM_TYPES.join(', ')}.`}`);
    return problems;
  }
  const lists = type === 'enum' || type === 'multi';
  if (lists && values.length === 0 && !(type === 'multi' && anyValue)) {
    const or = type === 'multi' ? ', or set `anyValue` if they cannot be listed' : '';
    wrong('values', `A param of type ${type} needs its values. List them, each with its meaning${or}.`);
  }
  if (!lists && values.length > 0)
    wrong('values', `Only enum and multi have values. Change the type or drop them.`);
  if (anyValue && (type !== 'multi' || values.length > 0)) {
    wrong('anyValue', 'Only a multi without `values` takes any value. Drop one of the two.');
  }
  const known = new Set<string>();
  for (const [i, { value = '', desc = '' }] of values.entries()) {
    if (value === '') wrong(`values[${i}].value`, 'Give the value.');
    if (known.has(value)) wrong(`values[${i}].value`, `\`${value}\` is listed already. Drop one of them.`);
    if (desc.trim() === '') {
      wrong(`values[${i}].desc`, `Describe \`${value}\`: people and agents choose by it.`);
    }
    known.add(value);
  }
  if (param.default !== undefined && (!lists || anyValue || values.length > 0)) {
    // `type` is a known type here, and readValue uses only the name and values of a param.
    const def = { ...param, name, type, values: anyValue ? undefined : values } as unknown as ParamDef;
    const read = readValue(def, [param.default]);
    if (!read.ok) for (const r of read.reasons) wrong('default', `${r.message} Change the default.`);
  }
  return problems;
}

function isParamType(type: string): type is ParamType {
  return PARAM_TYPES.some((known) => known === type);
}
