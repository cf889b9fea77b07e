import { isJsonArray, isJsonObject, type JsonValue } from '../json.js';
import { didYouMean } from '../near-names.js';
import { ParamsError } from '../params/params-error.js';
import { eventDocument } from './event-document.js';

/** One condition on a document: whether the value at a path is this text, or is not. */
export interface Condition {
  readonly path: readonly string[];
  readonly value: string;
  readonly isEqual: boolean;
}

/** Members that a document of an event can have. A path that begins with another name would never match. */
const MEMBERS = Object.keys(eventDocument.shape);

/**
 * Reads conditions written as `path=value` or `path!=value`. Parts of a path are separated by dots; `\.` is a dot of a
 * name, and a number also a place in an array.
 *
 * @throws ParamsError of the param `where`, with every condition that is none, or whose path no event can have.
 */
export function parseConditions(texts: readonly string[]): Condition[] {
  const conditions = texts.map(conditionOf);
  const problems = texts.flatMap((text, i) => {
    const hint = hintFor(conditions[i]);
    if (hint === undefined) return [];
    const what = conditions[i] === undefined ? 'which is no condition' : 'whose path no event has';
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
 * Whether a document fulfils a condition. Text is compared as it is; numbers, `true`, `false` and `null` as JSON writes
 * them, numbers also by value. What is not there equals nothing; objects and arrays equal nothing.
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
