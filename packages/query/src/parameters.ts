import type { ParameterValue } from '@weir/clickhouse';
import { closest, distance } from 'fastest-levenshtein';
import { tokenize } from './gate/tokens.js';
import { QueryError } from './query-error.js';

/** Values by name. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** Maximum names in a hint, and the longest name that is compared: the cost is the product of the lengths. */
const LISTED = 10;
const MAX_NAME = 100;

const INTEGER = /^(U?)Int(8|16|32|64|128|256)$/;
const TIME = /^DateTime(?:64)?(?:\(.*\))?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i;
const WALL_CLOCK = /^\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2}(?:\.\d+)?)?$/;

/**
 * Converts values to the form that the engine binds, with strict checks. The engine silently ignores a value that the
 * SQL does not name, so a misspelt name would go unnoticed. It also silently takes a value outside its type modulo its
 * size (300 for a UInt8 becomes 44), a month 13 as 1970, and null as an empty text. All of these are errors here. Times
 * in RFC 3339, as in answers, become seconds since 1970, which are independent of time zones.
 *
 * @param sql canonical text
 * @throws QueryError `sql_invalid`
 */
export function fitParameters(sql: string, given: Parameters): Parameters {
  if (Object.keys(given).length === 0) return given;
  const all: Record<string, ParameterValue> = { ...given };
  const tokens = tokenize(sql).filter((token) => token.kind === 'parameter');
  refuseUnnamed(Object.keys(given), new Set(tokens.map(({ text }) => text)));
  for (const token of tokens) {
    const value = given[token.text];
    if (value !== undefined) all[token.text] = fitted(token.text, token.type.trim(), value);
  }
  return all;
}

function refuseUnnamed(given: readonly string[], named: ReadonlySet<string>): void {
  const unnamed = given.find((name) => !named.has(name));
  if (unnamed === undefined) return;
  const [first] = named;
  const near = unnamed.length > MAX_NAME || first === undefined ? undefined : closest(unnamed, [...named]);
  const isNear = near !== undefined && distance(unnamed, near) <= Math.max(2, Math.floor(unnamed.length / 3));
  const hint = isNear
    ? `did you mean ${near}?`
    : first === undefined
      ? 'write {name:Type} in the SQL for each parameter, or leave the parameter out'
      : `the SQL names ${[...named].slice(0, LISTED).join(', ')}; leave out what it does not name`;
  const identifier = unnamed.slice(0, MAX_NAME);
  throw new QueryError('sql_invalid', `the SQL has no parameter ${quoted(unnamed)}`, { identifier, hint });
}

function fitted(name: string, type: string, value: ParameterValue): ParameterValue {
  const nullable = /^Nullable\((.*)\)$/s.exec(type)?.[1];
  if (value === null) {
    if (nullable !== undefined) return null;
    throw unfit(name, type, 'null', `write {${name}:Nullable(${type})} where it may be null`);
  }
  const inner = nullable ?? /^LowCardinality\((.*)\)$/s.exec(type)?.[1];
  if (inner !== undefined) return fitted(name, inner.trim(), value);
  const item = /^Array\((.*)\)$/s.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) throw unfit(name, type, 'no array', `send a JSON array for ${name}`);
    return value.map((one: ParameterValue) => fitted(name, item.trim(), one));
  }
  if (typeof value === 'string' && value.includes('\0'))
    throw unfit(name, type, 'a text with a NUL', 'leave it out');
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw unfit(
      name,
      type,
      String(value),
      'JSON numbers of more than 53 bits are not exact: send it as a string',
    );
  }
  const integer = INTEGER.exec(type);
  if (integer !== null) return fitInteger(name, type, integer[1] === 'U', Number(integer[2]), value);
  if (TIME.test(type)) return fitTime(name, type, value);
  if (/^Date(?:32)?$/.test(type) && !isDay(value)) throw unfit(name, type, quoted(value), 'send YYYY-MM-DD');
  return value;
}

function fitInteger(
  name: string,
  type: string,
  isUnsigned: boolean,
  bits: number,
  value: ParameterValue,
): ParameterValue {
  if (typeof value === 'boolean') return value;
  const text = String(value);
  const least = isUnsigned ? 0n : -(2n ** BigInt(bits - 1));
  const most = 2n ** BigInt(isUnsigned ? bits : bits - 1) - 1n;
  if (/^[+-]?\d{1,80}$/.test(text) && BigInt(text) >= least && BigInt(text) <= most) return value;
  throw unfit(name, type, quoted(value), `send an integer from ${least} to ${most}`);
}

function fitTime(name: string, type: string, value: ParameterValue): ParameterValue {
  if (typeof value === 'number') return value;
  const text = String(value);
  const at = INSTANT.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(at))
    return type.startsWith('DateTime64') ? (at / 1000).toFixed(3) : String(Math.floor(at / 1000));
  if (
    WALL_CLOCK.test(text) &&
    isDay(text.slice(0, 10)) &&
    !Number.isNaN(Date.parse(`${text.replace(' ', 'T')}`))
  ) {
    return value;
  }
  if (/^\d{1,10}(?:\.\d{1,9})?$/.test(text)) return value;
  throw unfit(
    name,
    type,
    quoted(value),
    'send 2026-11-21T10:00:00Z, 2026-11-21 10:00:00, or seconds since 1970',
  );
}

/** Whether a calendar day exists: not 31 April. */
function isDay(value: ParameterValue): boolean {
  const text = String(value);
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

function quoted(value: ParameterValue): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function unfit(name: string, type: string, what: string, hint: string): QueryError {
  return new QueryError('sql_invalid', `the parameter ${name} is ${type}, which ${what} does not fit`, {
    identifier: name,
    hint,
  });
}
