import { describe, expect, it } from 'vitest';
import { readQueryTree } from './query-tree.js';
import { checkAgreement } from './text-agreement.js';
import { tokenize } from './tokens.js';

/** The engine's output for `SELECT upper('a')` inside the gate's own SELECT. */
const UPPER = [
  'QUERY id: 0',
  '  PROJECTION',
  '    LIST id: 1, nodes: 1',
  '      MATCHER id: 2, matcher_type: ASTERISK',
  '  JOIN TREE',
  '    QUERY id: 3, is_subquery: 1',
  '      PROJECTION',
  '        LIST id: 4, nodes: 1',
  '          FUNCTION id: 5, function_name: upper, function_type: ordinary',
  '            ARGUMENTS',
  '              LIST id: 6, nodes: 1',
  "                CONSTANT id: 7, constant_value: 'a, alias: b', constant_value_type: String",
  '      JOIN TREE',
  '        IDENTIFIER id: 8, identifier: system.one',
];

function check(sql: string): void {
  checkAgreement(tokenize(sql), readQueryTree(UPPER));
}

describe('text and tree', () => {
  it('agree on their calls and selects', () => {
    expect(() => check("SELECT upper('a, alias: b')")).not.toThrow();
    expect(() => check("SELECT `UPPER`('a')")).not.toThrow();
    expect(() => check("SELECT upper('a, lower(')")).not.toThrow();
  });

  it.each([
    ['a call', "SELECT upper(lower('a'))"],
    ['a quoted call', "SELECT upper(`lower`('a'))"],
    ['the same call twice', "SELECT upper(upper('a'))"],
    ['a table function', "SELECT upper('a') FROM numbers(1)"],
    ['a SELECT', "SELECT upper((SELECT 'a'))"],
  ])('are refused when the tree leaves out %s', (_, sql) => {
    expect(() => check(sql)).toThrow('could not be checked');
  });
});

describe('the tree', () => {
  it('is parsed with its fields separate from free text', () => {
    const { root, nodes } = readQueryTree(UPPER);
    expect(root.kind).toBe('QUERY');
    expect(nodes.filter((node) => node.fields.has('alias'))).toEqual([]);
    expect(nodes.at(-1)?.fields.get('identifier')).toBe('system.one');
  });

  it.each([
    ['an id out of order', [...UPPER.slice(0, 3), '      MATCHER id: 3, matcher_type: ASTERISK']],
    ['an id twice', [...UPPER, '        IDENTIFIER id: 8, identifier: events']],
    ['a step of indentation too far', [...UPPER, '            IDENTIFIER id: 9, identifier: events']],
    ['half a step', [...UPPER, '         IDENTIFIER id: 9, identifier: events']],
    ['a second root', [...UPPER, 'QUERY id: 9']],
    ['a field twice', [...UPPER, '        IDENTIFIER id: 9, identifier: system.tables, identifier: events']],
    ['a constant without a type', [...UPPER, '        CONSTANT id: 9, constant_value: 1']],
    ['nothing', []],
  ])('is refused with %s', (_, lines) => {
    expect(() => readQueryTree(lines)).toThrow('cannot read');
  });
});

describe('canonical text', () => {
  it('is tokenized into words, names, strings and parameters', () => {
    const tokens = tokenize("SELECT `a\\`b`, 'it\\'s\\n', {p:Enum8('}' = 1)}, 1e-5");
    expect(tokens.map((token) => [token.kind, token.text])).toEqual([
      ['word', 'SELECT'],
      ['quoted', 'a`b'],
      ['symbol', ','],
      ['string', "it's\n"],
      ['symbol', ','],
      ['parameter', 'p'],
      ['symbol', ','],
      ['number', '1e-5'],
    ]);
  });

  it.each([
    'SELECT 1 -- x',
    'SELECT /* x */ 1',
    'SELECT "a"',
    'SELECT $$a$$',
    'SELECT 1; SELECT 2',
    'SELECT #x',
    "SELECT 'a",
    'SELECT {p',
    'SELECT \u201ca\u201d',
    'SELECT\n1',
  ])('has no %j', (sql) => {
    expect(() => tokenize(sql)).toThrow('cannot read');
  });
});
