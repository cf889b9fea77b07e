import { isJsonArray, isJsonObject, type JsonValue } from '../json.js';
import { didYouMean } from '../near-names.js';
import { ParamsError } from '../params/params-error.js';
import { eventDocument } from './event-document.js';

/** One condition: the value at a path equals this text, or differs from it. */
export interface Condition {
  readonly path: readonly string[];
  readonly value: string;
  readonly isEqual: boolean;
}

/** Members of an event document. A condition on any other member could never match. */
const MEMBERS = Object.keys(eventDocument.shape);

/**
 * Parses conditions of the form `path=value` or `path!=value`. Dots separate the parts of a path; `\.` is a literal
 * dot, and a number can also index an array.
 *
 * @throws ParamsError of the param `where`, with every invalid condition and every path that no event has.
 */
export function parseConditions(texts: readonly string[]): Condition[] {
  const conditions = texts.map(conditionOf);
  const problems = texts.flatMap((text, i) => {
    const hint = hintFor(conditions[i]);
    if (hint === undefined) return [];
    const what = conditions[i] === undefined ? 'which is not a condition' : 'whose path no event has';
    return [{ param: 'where', message: `Param \`where\` is ${JSON.stringify(text)}, ${what}.`, hint }];
  });
  if (problems.length > 0) throw new ParamsError(problems);
  return conditions.filter((condition) => condition !== undefined);
}

function hintFor(condition: Condition | undefined): string | undefined {
  if (condition === undefined) return 'Write -p where=properties.plan=pro, or -p where=user_id!=u1.';
  const [first = ''] = condition.path;
  if (MEMBERS.includes(first)) return undefined;
  const near = didYouMean(first, MEMBERS);
  return `${near === undefined ? '' : `${near} `}A path begins with one of ${MEMBERS.join(', ')}; write properties.${first} for a property.`;
}

function conditionOf(text: string): Condition | undefined {
  const [, path = '', operator = '', value = ''] = /^((?:\\.|[^\\=!])+)(!?=)(.*)$/s.exec(text) ?? [];
  if (operator === '') return undefined;
  const parts = (path.match(/(?:\\.|[^\\.])+|(?<=\.|^)(?=\.|$)/gs) ?? []).map((part) =>
    part.replace(/\\(.)/gs, '$1'),
  );
  if (parts.includes('')) return undefined;
  return { path: parts, value, isEqual: operator === '=' };
}

/**
 * True if a document fulfils a condition. Strings are compared as text; numbers, `true`, `false` and `null` by their
 * JSON text, numbers also by value. Missing values, objects and arrays equal no text.
 */
export function fulfils(document: JsonValue, { path, value, isEqual }: Condition): boolean {
  return equals(valueAt(document, path), value) === isEqual;
}

function valueAt(document: JsonValue, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = document;
  for (const part of path) {
    if (isJsonArray(at)) at = /^\d+$/.test(part) ? at[Number(part)] : undefined;
    else if (isJsonObject(at) && Object.hasOwn(at, part)) at = at[part];
    else return undefined;
  }
  return at;
}

function equals(found: JsonValue | undefined, value: string): boolean {
  if (typeof found === 'string') return found === value;
  if (found === undefined || (typeof found === 'object' && found !== null)) return false;
  if (typeof found === 'number' && value.trim() !== '') return found === Number(value);
  return String(found) === value;
}
