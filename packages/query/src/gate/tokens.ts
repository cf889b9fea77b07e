import { notAllowed } from './gate-refusal.js';

/** One token of canonical SQL. `start` and `end` are offsets into the text. */
export type Token = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'word' | 'number' | 'symbol'; readonly text: string }
  /** A name in backticks, and whether it contains a control character. */
  | { readonly kind: 'quoted' | 'string'; readonly text: string; readonly control: boolean }
  /** `{name:Type}` */
  | { readonly kind: 'parameter'; readonly text: string; readonly type: string }
);

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER = /[0-9][0-9A-Za-z_.]*(?:(?<=[eE])[+-][0-9]+)?/y;
const PARAMETER_START = /\{([A-Za-z_][A-Za-z0-9_]*):/y;
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
  a: '\x07',
  v: '\v',
  e: '\x1b',
};

/**
 * Tokenizes canonical SQL as `formatQuerySingleLine` writes it: one line, no comments, no heredocs, keywords in
 * capitals, strings in single quotes and names in backticks with backslash escapes. Any other form is rejected, so that
 * the tokenizer never guesses.
 *
 * @throws QueryError of rule `clause`.
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    if (sql[at] === ' ') {
      at += 1;
      continue;
    }
    const token = readToken(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function readToken(sql: string, start: number): Token {
  const first = sql.charAt(start);
  if (first === "'") return readQuoted(sql, start, 'string');
  if (first === '`') return readQuoted(sql, start, 'quoted');
  const word = match(WORD, sql, start);
  if (word !== undefined) return { kind: 'word', text: word, start, end: start + word.length };
  const number = match(NUMBER, sql, start);
  if (number !== undefined) return { kind: 'number', text: number, start, end: start + number.length };
  if (first === '{') return readParameter(sql, start);
  const pair = sql.slice(start, start + 2);
  if (pair === '--' || pair === '/*' || !/[-+*/%=<>!()[\],.:?|@^]/.test(first)) throw unreadable(sql, start);
  return { kind: 'symbol', text: first, start, end: start + 1 };
}

function readQuoted(sql: string, start: number, kind: 'quoted' | 'string'): Token {
  const quote = sql.charAt(start);
  let text = '';
  for (let at = start + 1; at < sql.length; at += 1) {
    const char = sql.charAt(at);
    if (char === quote) return { kind, text, control: hasControl(text), start, end: at + 1 };
    if (char === '\\') {
      at += 1;
      const escaped = sql.charAt(at);
      text += ESCAPES[escaped] ?? escaped;
    } else text += char;
  }
  throw unreadable(sql, start);
}

/** The type of a parameter is SQL itself: strings and names in it may contain braces. */
function readParameter(sql: string, start: number): Token {
  PARAMETER_START.lastIndex = start;
  const name = PARAMETER_START.exec(sql)?.[1];
  if (name === undefined) throw unreadable(sql, start);
  const typeStart = PARAMETER_START.lastIndex;
  for (let at = typeStart; at < sql.length; ) {
    const char = sql.charAt(at);
    if (char === '}') {
      const type = sql.slice(typeStart, at).trim();
      return { kind: 'parameter', text: name, type, start, end: at + 1 };
    }
    at = char === "'" || char === '`' ? readQuoted(sql, at, 'string').end : at + 1;
  }
  throw unreadable(sql, start);
}

/** Resolves the escapes of a string in the engine's form. */
export function unescapeSql(text: string): string {
  return text.replace(/\\(.)/gs, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/** Whether a text contains control characters or Unicode line breaks. */
function hasControl(text: string): boolean {
  return /[\p{Cc}\u2028\u2029]/u.test(text);
}

function unreadable(sql: string, at: number): Error {
  const found = sql.slice(at, at + 20);
  return notAllowed('clause', found, `The query holds something that this gate cannot read: ${found}`);
}
