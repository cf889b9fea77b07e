import { expect, test } from 'vitest';
import * as z from 'zod';
import { type KeyDefinition, Registry, RegistryError, type RegistryProblem } from '../index.js';
import { custom, unchecked } from './testing/unchecked.js';

const native = { native: { raw: { type: 'object', properties: { id: { type: 'string' } } } } };

function problemsOf(...definitions: KeyDefinition[]): readonly RegistryProblem[] {
  try {
    new Registry(definitions);
  } catch (error) {
    if (error instanceof RegistryError) return error.problems;
    throw error;
  }
  return [];
}

const param = (members: object) => ({
  params: [{ name: 'p', type: 'string', description: 'A param', ...members }],
});
const values = [{ value: 'a', desc: 'The first' }];

const WRONG: readonly [string, object, string, RegExp][] = [
  ['an empty key', { key: '' }, 'keys[0].key', /number 1 has no name/],
  ['no key', { key: undefined }, 'keys[0].key', /has no name/],
  ['a key with other characters', { key: 'a b' }, 'key', /letters, digits/],
  ['an empty event type', { eventType: '' }, 'eventType', /Give the type/],
  [
    'both native and custom',
    { schema: { ...native, ...custom } },
    'schema',
    /only one of `native` and `custom`/,
  ],
  ['neither native nor custom', { schema: {} }, 'schema', /Give `native`.* or `custom`/],
  ['no schema', { schema: undefined }, 'schema', /Give `native`.* or `custom`/],
  ['native with process', { schema: native, process: () => null }, 'process', /Drop `process`/],
  [
    'a spec with both type and raw',
    { schema: { custom: { type: z.string(), raw: {} } } },
    'schema.custom',
    /only one of `type`.* and `raw`/,
  ],
  ['a spec with neither', { schema: { native: {} } }, 'schema.native', /Give one of `type`.* and `raw`/],
  [
    'a type that is not of Zod',
    { schema: { custom: { type: {} } } },
    'schema.custom',
    /must be a Zod 4 type/,
  ],
  [
    'a type JSON does not have',
    { schema: { custom: { type: z.bigint() } } },
    'schema.custom',
    /no JSON Schema/,
  ],
  [
    'raw that refers to what it lacks',
    { schema: { custom: { raw: { $ref: '#/$defs/A', $defs: { A: { items: { $ref: '#/$defs/B' } } } } } } },
    'schema.custom',
    /refers to #\/\$defs\/B, which does not exist/,
  ],
  [
    'raw that is no schema',
    { schema: { custom: { raw: 'object' } } },
    'schema.custom',
    /must be a JSON Schema/,
  ],
  [
    'raw of another dialect',
    { schema: { custom: { raw: { $schema: 'http://json-schema.org/draft-07/schema#' } } } },
    'schema.custom',
    /draft-07.*2020-12/,
  ],
  [
    'an override that resolves nowhere',
    { schema: { ...native, fieldOverrides: { '/event/id': { format: 'id' }, '/id': { format: 'id' } } } },
    'schema.fieldOverrides["/id"]',
    /no field at this path.*\/event/,
  ],
  ['an enum without values', param({ type: 'enum' }), 'params[0].values', /needs its values/],
  ['a multi without values', param({ type: 'multi', values: [] }), 'params[0].values', /`anyValue`/],
  [
    'a multi with values and any',
    param({ type: 'multi', values, anyValue: true }),
    'params[0].anyValue',
    /Drop one/,
  ],
  ['values of an int', param({ type: 'int', values }), 'params[0].values', /Only enum and multi/],
  [
    'a value without a description',
    param({ type: 'enum', values: [{ value: 'a', desc: ' ' }] }),
    'params[0].values[0].desc',
    /Describe `a`/,
  ],
  [
    'a value that is empty',
    param({ type: 'enum', values: [{ desc: 'x' }] }),
    'params[0].values[0].value',
    /Give the/,
  ],
  [
    'a value listed twice',
    param({ type: 'enum', values: [...values, ...values] }),
    'params[0].values[1].value',
    /listed already/,
  ],
  [
    'a default outside its values',
    param({ type: 'enum', values, default: 'b' }),
    'params[0].default',
    /one of its/,
  ],
  [
    'a list with one outside',
    param({ type: 'multi', values, default: 'a,b' }),
    'params[0].default',
    /one of its/,
  ],
  ['a default of another type', param({ type: 'int', default: 'ten' }), 'params[0].default', /whole number/],
  ['an unknown type of param', param({ type: 'strng' }), 'params[0].type', /Did you mean `string`/],
  ['a param of an empty type', param({ type: '' }), 'params[0].type', /Types: string, enum/],
  ['a param that -p cannot name', param({ name: 'a=b' }), 'params[0].name', /Give a name/],
  [
    'a param without a description',
    param({ description: '' }),
    'params[0].description',
    /Describe the param/,
  ],
  [
    'duplicate params',
    { params: ['int', 'bool'].map((type) => ({ name: 'p', type, description: 'd' })) },
    'params[1].name',
    /another param `p`/,
  ],
  ['an unknown auth type', { authTypes: ['user', 'robot'] }, 'authTypes[1]', /`robot`.*user or bot/],
  ['less than no workers', { workers: -1 }, 'workers', /Give 1 or more/],
  ['a hook that is no function', { match: 'yes' }, 'match', /Must be a function/],
  ['a member of another type', { params: [{ name: 5 }] }, 'params[0].name', /^Must be a string\.$/],
  ['a buffer size that is no number', { bufferSize: '10' }, 'bufferSize', /^Must be a (whole )?number\.$/],
];

test.each(WRONG)('%s is refused at its location, and nothing else', (_, members, path, message) => {
  const key = Object.hasOwn(members, 'key') && !('key' in members && members.key) ? '' : undefined;
  const problems = problemsOf(unchecked(members));
  expect(problems).toEqual([
    { key: key ?? unchecked(members).key, path, message: expect.stringMatching(message) },
  ]);
});

test('a value that is not a definition is refused', () => {
  // As above: the wrong type is the subject of the test.
  const paths = problemsOf(null as unknown as KeyDefinition, 'x' as unknown as KeyDefinition).map(
    (p) => p.path,
  );
  expect(paths).toEqual(['(definition)', 'keys[0].key', '(definition)', 'keys[1].key']);
});

test('a duplicate key is refused once, by its name', () => {
  expect(problemsOf(unchecked({}), unchecked({ key: 'other' }), unchecked({}))).toEqual([
    { key: 'shop.order', path: 'key', message: expect.stringContaining('another key `shop.order`') },
  ]);
});

test('one error contains all problems of all keys', () => {
  const wrong = WRONG.map(([, members], i) =>
    Object.hasOwn(members, 'key') ? unchecked(members) : unchecked({ key: `k${i}`, ...members }),
  );
  const problems = problemsOf(...wrong, unchecked({ key: 'k5' }), unchecked({}));
  expect(problems).toHaveLength(WRONG.length + 1);
  for (const [i, [name, members, , message]] of WRONG.entries()) {
    if (Object.hasOwn(members, 'key')) continue;
    expect(problems.filter((p) => p.key === `k${i}`)[0]?.message, name).toMatch(message);
  }
  const several = unchecked({
    ...param({ type: 'enum' }),
    eventType: '',
    authTypes: ['x'],
    workers: -1,
    schema: {},
  });
  expect(
    problemsOf(several)
      .map((p) => p.path)
      .sort(),
  ).toEqual(['authTypes[0]', 'eventType', 'params[0].values', 'schema', 'workers']);
  expect(() => new Registry([several])).toThrow(/shop\.order: eventType: Give the type/);
});
