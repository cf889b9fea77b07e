// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import fc from 'fast-check';

/**
 * Almost valid SQL for fuzzing: a grammar of allowed constructs, mixed with forbidden pieces, in every spelling that
 * the engine's lexer accepts. None of its words begins with `CANARY_`, so a test can plant such words where queries
 * have no access, and search the answers for them.
 */
export function almostLegalSql(): fc.Arbitrary<string> {
  const { query } = fc.letrec<Grammar>((tie) => ({
    query: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 6, arbitrary: select(tie('expression'), tie('table')) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            tie('query'),
            fc.constantFrom('UNION ALL', 'UNION DISTINCT', 'INTERSECT', 'EXCEPT'),
            tie('query'),
          )
          .map(([a, operator, b]) => [...a, ...words(operator), ...b]),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.constantFrom('c', 'vault', 'tables', 'events'), tie('query'), tie('query'))
          .map(([name, cte, main]) => ['WITH', name, 'AS', '(', ...cte, ')', ...main]),
      },
    ),
    table: fc.oneof(
      { depthSize: 'small' },
      { weight: 6, arbitrary: spelled('events', 'persons', 'sessions', 'weir.events', 'c') },
      { weight: 1, arbitrary: spelled(...FORBIDDEN_TABLES) },
      { weight: 1, arbitrary: fc.constantFrom(...TABLE_CALLS).map(words) },
      { weight: 2, arbitrary: tie('query').map((inner) => ['(', ...inner, ')']) },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('table'), tie('table')).map(([a, b]) => [...a, 'CROSS', 'JOIN', ...b]),
      },
    ),
    expression: fc.oneof(
      { depthSize: 'small' },
      { weight: 4, arbitrary: fc.constantFrom(...ATOMS).map((atom) => [atom]) },
      { weight: 3, arbitrary: spelled('event', 'user_id', 'properties', 'file', 'x') },
      { weight: 3, arbitrary: call(fc.constantFrom(...FUNCTIONS), tie('expression')) },
      { weight: 1, arbitrary: call(fc.constantFrom(...FORBIDDEN_FUNCTIONS), tie('expression')) },
      { weight: 1, arbitrary: fc.constantFrom(...FORBIDDEN_CALLS).map(words) },
      { weight: 1, arbitrary: tie('query').map((inner) => ['(', ...inner, ')']) },
      {
        weight: 1,
        arbitrary: fc.tuple(tie('expression'), tie('table')).map(([left, set]) => [...left, 'IN', ...set]),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...FUNCTIONS, ...FORBIDDEN_FUNCTIONS), tie('expression'))
          .map(([name, item]) => ['arrayMap', '(', name, ',', '[', ...item, ']', ')']),
      },
      {
        weight: 1,
        arbitrary: tie('expression').map((body) => ['arrayMap', '(', 'x', '->', ...body, ',', "['a']", ')']),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('expression'), fc.constantFrom(...TYPES))
          .map(([value, type]) => ['CAST', '(', ...value, ',', type, ')']),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tie('expression'), spelled(...ALIASES))
          .map(([value, alias]) => ['(', ...value, 'AS', ...alias, ')']),
      },
    ),
  }));
  return fc.tuple(query, fc.infiniteStream(fc.nat())).map(([tokens, choices]) => spell(tokens, choices));
}

/** Tokens before they are spelled. */
type Tokens = readonly string[];

type Grammar = {
  query: Tokens;
  table: Tokens;
  expression: Tokens;
};

const ATOMS = [
  '1',
  '0',
  "'a'",
  "'canary.txt'",
  'NULL',
  '[1]',
  "map('a', 'b')",
  '{p:String}',
  '$$x$$',
  '*',
  'e.*',
];
const FUNCTIONS = [
  'length',
  'toString',
  'upper',
  'count',
  'sum',
  'max',
  'groupArray',
  'any',
  'tuple',
  'array',
  'isNull',
  'COUNT',
];
const FORBIDDEN_FUNCTIONS = [
  'file',
  'FILE',
  '`file`',
  '"file"',
  'hostName',
  'currentUser',
  'getMacro',
  'version',
];
const FORBIDDEN_CALLS = [
  "file ( 'canary.txt' )",
  "getSetting ( 'log_comment' )",
  "arrayMap ( file , [ 'canary.txt' ] )",
  "( tuple ( file ( 'canary.txt' ) ) ) . *",
  "COLUMNS ( '.*' ) APPLY ( file )",
  "* APPLY ( x -> file ( 'canary.txt' ) )",
  "* REPLACE ( getSetting ( 'log_comment' ) AS event )",
  "arrayReduce ( concat ( 'a' , 'ny' ) , [ 'a' ] )",
  "toDateTime ( 1 , concat ( 'file' , ':/x' ) )",
  '( SELECT any ( secret ) FROM weir_base.vault )',
];
const FORBIDDEN_TABLES = [
  'weir_base.vault',
  'weir_base.events_raw_v1',
  'system.tables',
  'system.processes',
  'vault',
  'weir.vault',
  'information_schema.tables',
];
const TABLE_CALLS = [
  'numbers ( 3 )',
  'generateSeries ( 1 , 3 )',
  "values ( 'x String' , 'a' )",
  "merge ( 'weir_base' , '.*' )",
  "merge ( 'weir' , 'vault' )",
  "file ( 'canary.txt' , 'LineAsString' )",
  'loop ( weir_base.vault )',
  'view ( SELECT * FROM weir_base.vault )',
  "viewIfPermitted ( SELECT * FROM weir_base.vault ELSE null ( 'x UInt8' ) )",
  "mergeTreeIndex ( 'weir_base' , 'vault' )",
];
const TYPES = ["'String'", "'Nullable(String)'", "'AggregateFunction(sum, UInt8)'", "concat('Str', 'ing')"];
const ALIASES = [
  'x',
  'vault',
  'tables',
  'file',
  'a, identifier: events',
  'a\n  JOIN TREE',
  '`',
  'weir_base.vault',
  'SELECT',
];
const LEGAL_TAILS = ['', '', 'LIMIT 5', 'ORDER BY 1', 'GROUP BY ALL'];
const TAILS = [
  "SETTINGS log_comment = ''",
  'SETTINGS max_threads = 1',
  "INTO OUTFILE 'canary.out'",
  'FORMAT CSV',
  'LIMIT 1 BY event',
  'QUALIFY 1',
  ';',
  '; SELECT * FROM weir_base.vault',
];
const BLANKS = [' ', ' ', ' ', '\n', '\t', '/**/', " /* ' */ ", ' -- x\n', ' # "\n', '\u00a0', '\u3000'];

function select(expression: fc.Arbitrary<Tokens>, table: fc.Arbitrary<Tokens>): fc.Arbitrary<Tokens> {
  return fc
    .record({
      columns: fc.array(expression, { minLength: 1, maxLength: 3 }),
      table: fc.option(fc.tuple(table, fc.constantFrom('AS e', 'AS e', 'AS e', 'AS vault', 'FINAL', '')), {
        freq: 4,
      }),
      where: fc.option(expression, { freq: 2 }),
      tail: fc.constantFrom(...LEGAL_TAILS, ...LEGAL_TAILS, ...LEGAL_TAILS, ...TAILS),
    })
    .map(({ columns, table: source, where, tail }) => [
      'SELECT',
      ...columns.flatMap((column, n) => (n === 0 ? column : [',', ...column])),
      ...(source === null ? [] : ['FROM', ...source[0], ...words(source[1])]),
      ...(where === null ? [] : ['WHERE', ...where]),
      ...words(tail),
    ]);
}

function call(name: fc.Arbitrary<string>, argument: fc.Arbitrary<Tokens>): fc.Arbitrary<Tokens> {
  return fc
    .tuple(name, fc.array(argument, { minLength: 1, maxLength: 2, size: 'small' }))
    .map(([called, args]) => [
      called,
      '(',
      ...args.flatMap((arg, n) => (n === 0 ? arg : [',', ...arg])),
      ')',
    ]);
}

/** A name, each part of it bare or quoted in either way. */
function spelled(...names: readonly string[]): fc.Arbitrary<Tokens> {
  return fc.tuple(fc.constantFrom(...names), fc.constantFrom('', '', '`', '"')).map(([name, quote]) => {
    const parts = /^\w+\.\w+$/.test(name) ? name.split('.') : [name];
    const needed = parts.every((part) => /^\w+$/.test(part)) ? quote : quote || '`';
    return [
      parts
        .map((part) => `${needed}${needed === '' ? part : part.replaceAll(needed, needed + needed)}${needed}`)
        .join('.'),
    ];
  });
}

function words(text: string): Tokens {
  return text === '' ? [] : text.split(' ');
}

/** Joins tokens with blanks and comments of every kind, keywords in any case. */
function spell(tokens: Tokens, choices: fc.Stream<number> | Iterator<number>): string {
  const next = (): number => Number(choices.next().value);
  let sql = '';
  for (const token of tokens) {
    const keyword = /^[A-Z]{2,}$/.test(token) && next() % 3 === 0;
    sql += `${keyword ? token.toLowerCase() : token}${BLANKS[next() % BLANKS.length] ?? ' '}`;
  }
  return sql;
}
