import { notAllowed } from './gate-refusal.js';
import { FIELD_START } from './query-tree.js';
import type { Token } from './tokens.js';

/**
 * Checks the canonical text alone, before the engine returns its tree: constructs that the tree omits, and names that
 * would make the tree ambiguous because it prints them raw.
 *
 * @throws QueryError
 */
export function checkText(tokens: readonly Token[]): void {
  tokens.forEach((token, n) => {
    if (token.kind === 'quoted') checkQuotedName(token.text, token.control);
    if (token.kind === 'string' && token.control && isPrintedRaw(tokens, n))
      throw controlCharacter(token.text);
    if (token.kind === 'word' && token.text === 'SETTINGS') checkSettings(tokens, n);
    if (token.kind === 'word' && token.text === 'TOTALS') checkTotals(tokens, n);
    if (isSymbol(token, '*')) checkAsterisk(tokens, n);
    if (isName(token) && token.text === 'system' && isSymbol(tokens[n + 1], '.')) checkSystem(tokens, n);
  });
}

function checkQuotedName(name: string, control: boolean): void {
  if (control) throw controlCharacter(name);
  if (FIELD_START.test(name)) {
    throw notAllowed(
      'name',
      name,
      `The name ${name} reads like output of the engine.`,
      'Choose a plainer alias.',
    );
  }
}

function controlCharacter(text: string): Error {
  return notAllowed('name', text, 'Names and patterns cannot hold line breaks or other control characters.');
}

/** Patterns of COLUMNS and EXCEPT, and collations, appear in the tree unescaped. */
function isPrintedRaw(tokens: readonly Token[], n: number): boolean {
  const before = tokens.slice(Math.max(0, n - 3), n).map((token) => token.text);
  return before.some((text) => /^(?:COLUMNS|EXCEPT|COLLATE|ILIKE|LIKE|REGEXP)$/.test(text));
}

function checkSettings(tokens: readonly Token[], n: number): void {
  const name = tokens[n + 1];
  if (!isName(name) || !isSymbol(tokens[n + 2], '=')) return;
  throw settingsRefusal(name?.text ?? '');
}

/** The rejection of a SETTINGS clause. */
export function settingsRefusal(setting: string): Error {
  return notAllowed(
    'settings',
    setting,
    'A query cannot bring SETTINGS of its own.',
    'Leave the SETTINGS clause out; limits are set by whoever runs the installation.',
  );
}

/**
 * `WITH TOTALS` after GROUP BY: no format here returns the row of totals. `WITH TOTALS AS (…)` is a CTE of that name.
 */
function checkTotals(tokens: readonly Token[], n: number): void {
  const [before, after] = [tokens[n - 1], tokens[n + 1]];
  if (before?.kind !== 'word' || before.text !== 'WITH') return;
  if (after?.kind === 'word' && after.text === 'AS') return;
  throw notAllowed(
    'clause',
    'WITH TOTALS',
    'WITH TOTALS has no effect: answers have no row of totals.',
    'Use GROUP BY … WITH ROLLUP, whose rows of totals are rows like the others.',
  );
}

/** `(…).*` is only in the text: the tree omits the operand. */
function checkAsterisk(tokens: readonly Token[], n: number): void {
  if (!isSymbol(tokens[n - 1], '.') || isName(tokens[n - 2])) return;
  throw notAllowed('clause', '(…).*', 'An expression cannot be expanded with .*', 'Use untuple(…).');
}

function checkSystem(tokens: readonly Token[], n: number): void {
  const before = tokens[n - 1];
  const inTablePlace = before?.kind === 'word' && /^(?:FROM|JOIN)$/.test(before.text);
  if (!inTablePlace) return;
  const name = `system.${tokens[n + 2]?.text ?? ''}`;
  throw notAllowed(
    'table',
    name,
    `There is no table ${name}.`,
    'The tables are events, persons and sessions.',
  );
}

/** Whether the token is a name, bare or quoted. */
export function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

/** Whether the token is this punctuation mark. */
export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text;
}
