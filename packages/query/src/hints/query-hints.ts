/**
 * Hints for the most frequent mistakes of people who know another SQL dialect. REST, the CLI and MCP show the same
 * hints.
 */
import { insteadOf } from './foreign-functions.js';

/** Creates the hint for a match; undefined if the match is a false positive. */
type Hint = (match: RegExpExecArray, sql: string) => string | undefined;

const JSON_COLUMNS = 'properties|extras';
const TEXT_TO_NUMBER =
  "read numbers with JSONExtractFloat(properties, 'key') or JSONExtractInt, and convert texts with toFloat64OrNull(x)";
const FUNNEL =
  'use whole milliseconds: windowFunnel(86400000)(toUInt64(toUnixTimestamp64Milli(timestamp)), …), where the window is in milliseconds too';
const SEQUENCE =
  "use whole milliseconds: sequenceMatch('(?1)(?t<=60000)(?2)')(toUInt64(toUnixTimestamp64Milli(timestamp)), …), where times of the pattern are in milliseconds too";

/** By the text of the engine's error. The first rule that returns a hint wins. */
const BY_ERROR: readonly (readonly [RegExp, Hint])[] = [
  [/Unknown (?:expression|expression or function|table expression) identifier `([^`]+)`/, unknownName],
  [/^Identifier '([^']+)' cannot be resolved from table/, unknownName],
  [/aggregate function windowFunnel, must be/, () => FUNNEL],
  [/aggregate function (?:sequence\w+), must be/, () => SEQUENCE],
  [
    /^(?:First argument for function 'arrayElement' must be array, got '\w*String')/,
    (_, sql) => bracketed(sql) ?? propertyHint('properties', ['key']),
  ],
  [/Lambda (.+?) is not allowed in expression context/, (_, sql) => arrow(sql)],
  [/does not support PREWHERE/, () => 'write WHERE: the tables are views, which have no PREWHERE'],
  [
    /Variant\/Dynamic are not allowed in (GROUP BY|ORDER BY)/,
    () =>
      "give the sub-column a type: properties::JSON.plan::String, or JSONExtractString(properties, 'plan')",
  ],
  [
    /Column '([^']+)' is not under aggregate function/,
    ([, column], sql) => {
      const name = sql.includes(lastName(column)) ? lastName(column) : 'x';
      return `add ${name} to GROUP BY, or aggregate it: any(${name})`;
    },
  ],
  [
    /(?:arguments|argument) .*?for function '?(\w+)'?|for function (\w+) doesn't match/,
    ([, a, b]) => insteadOf(a ?? b ?? ''),
  ],
  [
    /of arguments of function (?:minus|plus)\b/,
    (_, sql) =>
      /'\s*\d{1,9}\s*[a-z]{1,20}\s*'/i.test(sql)
        ? 'write a length of time as INTERVAL 7 DAY'
        : TEXT_TO_NUMBER,
  ],
  [/Illegal types? .*String.* of arguments? (?:of|for)/, () => TEXT_TO_NUMBER],
  [
    /no supertype for types .*(?:String.*U?Int|U?Int.*String|String.*Float|Float.*String)/,
    () => `ids are texts: compare them with a text, as in user_id = '5'; ${TEXT_TO_NUMBER}`,
  ],
  [
    /must be UInt8|Illegal type \w+ of (?:column )?(?:for )?filter/i,
    () => "a condition is a comparison, as in event = 'signup'",
  ],
];

/**
 * Maximum characters of an error that are searched, half at its start and half at its end, where the engine puts its
 * suggestions. The middle may repeat the whole query. Some of the expressions above take cubic time: 16 kB of a
 * caller's words would block the server for seconds.
 */
const MAX_SEARCHED = 1_000;

/** The hint for an error of the engine. `sql` is the caller's text, and the part of it that ran. */
export function hintOfError(detail: string, sql: string): string | undefined {
  const half = MAX_SEARCHED / 2;
  const text = detail.length <= MAX_SEARCHED ? detail : `${detail.slice(0, half)}\n${detail.slice(-half)}`;
  for (const [pattern, hint] of BY_ERROR) {
    const match = pattern.exec(text);
    const found = match === null ? undefined : hint(match, sql);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The hint for a text that the engine cannot parse. */
export function hintOfSyntax(sql: string): string | undefined {
  return arrow(sql);
}

/**
 * Statements that change data, by their first word, after white space and comments. A text can be split into comments
 * in only one way, so that matching takes linear time.
 */
const CHANGES =
  /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(ALTER|ATTACH|CREATE|DELETE|DETACH|DROP|GRANT|INSERT|MERGE|OPTIMIZE|RENAME|REPLACE|REVOKE|TRUNCATE|UPDATE)\b/i;

/** The statement of a text that would change data; undefined for any other. */
export function changingStatement(sql: string): string | undefined {
  return CHANGES.exec(sql.slice(0, 10_000))?.[1]?.toUpperCase();
}

/** A suggestion of the engine, except its generated sub-columns. */
const SUGGESTED = /Maybe you meant: \['(?![^']*\.(?:size\d*|null)')/;

function unknownName({ input, 1: name = '' }: RegExpExecArray, sql: string): string | undefined {
  if (sql.includes(`"${name}"`)) return `double quotes name a column; a text is written '${name}'`;
  const [first = '', ...path] = name.split('.');
  const isJson = (part: string): boolean => new RegExp(`^(?:${JSON_COLUMNS})$`).test(part);
  if (isJson(first) && path.length > 0) return propertyHint(first, path);
  const [second = '', ...rest] = path;
  if (isJson(second) && rest.length > 0) return propertyHint(`${first}.${second}`, rest);
  if (SUGGESTED.test(input)) return undefined;
  return `the columns are those of DESCRIBE events; ${propertyHint('properties', name.split('.'))}`;
}

/** `properties['plan']` */
function bracketed(sql: string): string | undefined {
  const match = new RegExp(`\\b(${JSON_COLUMNS})\\s*((?:\\[\\s*'[^']*'\\s*\\])+)`).exec(sql);
  if (match === null) return undefined;
  const path = [...(match[2] ?? '').matchAll(/'([^']*)'/g)].map(([, key = '']) => key);
  return propertyHint(match[1] ?? 'properties', path);
}

/** `properties->>'plan'`, `properties->'a'->>'b'` */
function arrow(sql: string): string | undefined {
  const match = new RegExp(`\\b(${JSON_COLUMNS})((?:\\s*->>?\\s*'[^']*')+)`).exec(sql);
  if (match === null) return undefined;
  const path = [...(match[2] ?? '').matchAll(/'([^']*)'/g)].map(([, key = '']) => key.replace(/^\$\./, ''));
  return propertyHint(match[1] ?? 'properties', path);
}

function propertyHint(column: string, path: readonly string[]): string {
  const keys = path.map((key) => `'${key.replace(/[\\']/g, '\\$&')}'`).join(', ');
  return `a property is read with JSONExtractString(${column}, ${keys}), or JSONExtractFloat, JSONExtractInt, JSONExtractBool`;
}

function lastName(column = ''): string {
  return column.split('.').at(-1) ?? column;
}
