import { PUBLIC_TABLES } from '@weir/clickhouse';
import { functionVerdict } from './gate/functions/function-verdict.js';

/**
 * The engine's error texts, made fit for whoever asked. They quote values, and name tables, files and expressions
 * behind the public views. Row policies keep other projects' values out of them; this is the wall behind that one.
 */

/** From here on a text speaks of the engine's own doings, or repeats the whole query. */
const INTERNAL =
  /:? \(?(?:[Ii]n scope|In query|While executing|while executing|While processing|while converting|Stack trace|in file\/uri)\b/;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const PATH = /(?<![\w<])\/(?:[\w.-]+\/)+[\w.-]*/g;
/** Names that the engine puts before those of the caller: of tables of its plan, and of the databases of views. */
const PREFIXES =
  /\b__table\d+\.|\bweir(?:_plain|_keyed|_plain_keyed)?\.(?:(?:events|persons|sessions)\.(?=\w))?/g;
/** Advice that a query cannot follow, because it brings no settings of its own. */
const SETTINGS =
  / (?:(?:Set setting|You can enable setting|Enable setting) [^.]*\.|Consider using a subcolumn .*)/gs;
const SUGGESTION = /Maybe you meant: (\[[^\]]*\])/;
/** Sub-columns that the engine makes by itself: no property is called so. */
const SUBCOLUMN = /\.(?:size\d*|null)'/;
const MASK = '…';
const MAX_LENGTH = 2_000;
/** Characters in which a failed expression is looked for: the expression that finds it takes more than the square of their number. */
const MAX_EXPRESSION = 1_000;
/** Longer than any name worth repeating. */
const MAX_QUOTED = 200;

/**
 * The text without what its reader did not write: a quoted value, an id or a path stays only where it stands in
 * `own`, the texts the reader sent, or is a name anybody may know.
 */
export function scrub(text: string, own: readonly string[]): string {
  const plain = text
    .slice(0, 4 * MAX_LENGTH)
    .replace(PREFIXES, '')
    .replace(SETTINGS, '');
  const internal = INTERNAL.exec(plain);
  const [suggestion = ''] = SUGGESTION.exec(plain) ?? [];
  const message = plain.slice(0, internal?.index).replace(SUGGESTION, '').trimEnd();
  const masked = mask(suggestion, own);
  const isHelpful = masked !== '' && !masked.includes(MASK) && !SUBCOLUMN.test(masked);
  return mask(isHelpful ? `${message.replace(/\.$/, '')}. ${suggestion}.` : message, own)
    .slice(0, MAX_LENGTH)
    .trim();
}

/** The expression that failed, as in `toUInt8(event)`; undefined where a part of it is not the reader's own. */
export function failedExpression(text: string, own: readonly string[]): string | undefined {
  const start = Math.max(0, text.indexOf('FUNCTION '));
  const written =
    /FUNCTION [^']*?(?:'[^']*'[^']*?)*? -> (.+?) (?:Nullable|U?Int|Float|String|Date|Bool|Array|Tuple|Map|LowCardinality|Decimal|UUID|JSON|Dynamic)/s
      .exec(text.slice(start, start + MAX_EXPRESSION))?.[1]
      ?.replace(PREFIXES, '')
      // The engine writes the type behind each constant.
      .replace(/('(?:[^'\\]|\\.)*'|\b\d[\d.]*)_[A-Z]\w*(?:\([^)]*\))?/g, '$1');
  if (written === undefined || written.length > MAX_QUOTED) return undefined;
  const parts = written.match(/'(?:[^'\\]|\\.)*'|\w+/g) ?? [];
  const isOwn = (part: string): boolean => {
    const value = part.replace(/^'|'$/g, '');
    return own.some((one) => one.includes(value)) || isName(value);
  };
  return parts.every(isOwn) ? written : undefined;
}

function mask(text: string, own: readonly string[]): string {
  const isOwn = (part: string): boolean => own.some((one) => one.includes(part));
  const isShown = (value: string): boolean => value.length <= MAX_QUOTED && (isOwn(value) || isName(value));
  return replaceQuoted(text, (value) => (isShown(value) ? value : MASK))
    .replace(UUID, (id) => (isOwn(id) ? id : MASK))
    .replace(PATH, (path) => (isOwn(path) ? path : MASK))
    .replace(/\bweir_base\.\w+/g, MASK);
}

/**
 * Replaces what stands in single quotes and in backticks. A regular expression would begin anew at each quote of a text that
 * ends within one, and take the square of its length. Here a kind of quote without an end is looked for once: within it,
 * every later quote of its kind is escaped, and has no end either.
 */
function replaceQuoted(text: string, replacement: (value: string) => string): string {
  let result = '';
  let done = 0;
  const endless = new Set<string>();
  for (let at = 0; at < text.length; at += 1) {
    const quote = text.charAt(at);
    if ((quote !== "'" && quote !== '`') || endless.has(quote)) continue;
    const end = closingQuote(text, at);
    if (end < 0) {
      endless.add(quote);
      continue;
    }
    result += text.slice(done, at + 1) + replacement(text.slice(at + 1, end)) + quote;
    done = end + 1;
    at = end;
  }
  return result + text.slice(done);
}

/** Where the quote at `start` ends, past escaped characters; -1 if it does not. */
function closingQuote(text: string, start: number): number {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    const c = text.charCodeAt(at);
    if (c === quote) return at;
    if (c === BACKSLASH) at += 1;
  }
  return -1;
}

const BACKSLASH = 0x5c;

/** Names of the public tables' columns, of functions and of types are nobody's secret. */
function isName(value: string): boolean {
  return (
    PUBLIC_COLUMNS.has(value) ||
    PUBLIC_NAMES.has(value) ||
    TYPE.test(value) ||
    functionVerdict(value).kind === 'allowed'
  );
}

/** `String`, `Nullable(DateTime64(3, 'UTC'))`. */
const TYPE =
  /^(?:Array|Bool|Date|Date32|DateTime|DateTime64|Decimal\w*|Enum\w*|FixedString|Dynamic|Float\d+|JSON|U?Int\d+|IPv[46]|LowCardinality|Map|Nothing|Nullable|String|Tuple|UUID|Variant)(?:\([A-Za-z0-9(), '/_]*\))?$/;

const PUBLIC_COLUMNS: ReadonlySet<string> = new Set(
  PUBLIC_TABLES.flatMap((table) => table.columns.map((column) => column.name)),
);

/** Names of the tables, and the zone of all times. */
const PUBLIC_NAMES: ReadonlySet<string> = new Set(['UTC', ...PUBLIC_TABLES.map((table) => table.name)]);
