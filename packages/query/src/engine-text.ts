import { PUBLIC_TABLES } from '@weir/clickhouse';
import { functionVerdict } from './gate/functions/function-verdict.js';

/**
 * Makes the engine's error texts safe for the caller. They quote values, and name tables, files and expressions behind
 * the public views. Row policies keep other projects' values out of them; this is the wall behind that one.
 */

/** Matches the start of text that describes the engine's internals or repeats the whole query. */
const INTERNAL =
  /:? \(?(?:[Ii]n scope|In query|While executing|while executing|While processing|while converting|Stack trace|in file\/uri)\b/;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const PATH = /(?<![\w<])\/(?:[\w.-]+\/)+[\w.-]*/g;
/** Names that the engine prepends to those of the caller: tables of its plan, and databases of views. */
const PREFIXES =
  /\b__table\d+\.|\bweir(?:_plain|_keyed|_plain_keyed)?\.(?:(?:events|persons|sessions)\.(?=\w))?/g;
/** Advice about settings, which a query cannot follow because it may not set any. */
const SETTINGS =
  / (?:(?:Set setting|You can enable setting|Enable setting) [^.]*\.|Consider using a subcolumn .*)/gs;
const SUGGESTION = /Maybe you meant: (\[[^\]]*\])/;
/** Sub-columns that the engine generates; no property has such a name. */
const SUBCOLUMN = /\.(?:size\d*|null)'/;
const MASK = '…';
const MAX_LENGTH = 2_000;
/** Maximum characters in which a failed expression is searched: the search takes more than quadratic time. */
const MAX_EXPRESSION = 1_000;
/** Longer than any name that is useful to repeat. */
const MAX_QUOTED = 200;

/**
 * Removes from a text what its reader did not write: a quoted value, an id or a path stays only if it appears in
 * `own`, the texts that the reader sent, or is a public name.
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

/** The expression that failed, as in `toUInt8(event)`; undefined if a part of it is not from the reader's texts. */
export function failedExpression(text: string, own: readonly string[]): string | undefined {
  const start = Math.max(0, text.indexOf('FUNCTION '));
  const written =
    /FUNCTION [^']*?(?:'[^']*'[^']*?)*? -> (.+?) (?:Nullable|U?Int|Float|String|Date|Bool|Array|Tuple|Map|LowCardinality|Decimal|UUID|JSON|Dynamic)/s
      .exec(text.slice(start, start + MAX_EXPRESSION))?.[1]
      ?.replace(PREFIXES, '')
      // The engine appends the type to each constant.
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
 * Replaces the contents of single quotes and backticks. A regular expression would restart at each quote of a text that
 * ends inside a quote, and take quadratic time. Here, a quote without an end is searched for once: every later quote of
 * its kind is escaped, so it has no end either.
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

/** The end of the quote at `start`, skipping escaped characters; -1 if it has no end. */
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

/** Names of columns of the public tables, of functions and of types are public. */
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
