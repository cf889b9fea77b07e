import { expect, expectTypeOf, test } from 'vitest';
import { type ParamDef, type ParamProblem, ParamsError, parseParams } from '../index.js';

const values = [
  { value: 'asc', desc: 'oldest first' },
  { value: 'desc', desc: 'newest first' },
] as const;

function problemsOf(defs: readonly ParamDef[], args: readonly string[]): readonly ParamProblem[] {
  try {
    parseParams(defs, args);
  } catch (error) {
    if (error instanceof ParamsError) return error.problems;
    throw error;
  }
  return [];
}

test('every type is parsed, and inferred by the compiler', () => {
  const params = parseParams(
    [
      { name: 'who', type: 'string', description: 'Whose', required: true },
      { name: 'order', type: 'enum', description: 'Which first', values, default: 'asc' },
      { name: 'show', type: 'multi', description: 'What', values },
      { name: 'where', type: 'multi', description: 'Filters', anyValue: true },
      { name: 'live', type: 'bool', description: 'Now' },
      { name: 'limit', type: 'int', description: 'How many', default: '10' },
    ],
    ['who=a=b, c', 'show=desc', 'show=asc,desc', 'where=n=1\\,2,m=\\d', 'live=false'],
  );
  expectTypeOf(params).toEqualTypeOf<{
    readonly who: string;
    readonly order: 'asc' | 'desc';
    readonly show: readonly ('asc' | 'desc')[];
    readonly where: readonly string[];
    readonly live: boolean | undefined;
    readonly limit: number;
  }>();
  expect(params).toEqual({
    who: 'a=b, c',
    order: 'asc',
    show: ['desc', 'asc'],
    where: ['n=1,2', 'm=\\d'],
    live: false,
    limit: 10,
  });
});

test('an omitted param has its default, is an empty list, or is undefined', () => {
  const defs = [
    { name: 'show', type: 'multi', description: 'What', values, default: 'asc,desc' },
    { name: 'where', type: 'multi', description: 'Filters', anyValue: true },
    { name: 'live', type: 'bool', description: 'Now' },
  ] as const;
  expect(parseParams(defs, [])).toStrictEqual({ show: ['asc', 'desc'], where: [], live: undefined });
  expect(parseParams(defs, ['show=desc'])).toMatchObject({ show: ['desc'] });
});

const int: readonly ParamDef[] = [{ name: 'limit', type: 'int', description: 'How many' }];

test.each(['', '1.5', '1e3', '0x10', ' 1', '9007199254740993', '--1'])('an int is not %j', (text) => {
  expect(problemsOf(int, [`limit=${text}`])).toEqual([
    {
      param: 'limit',
      message: expect.stringContaining('must be a whole number'),
      hint: expect.stringMatching(/-p limit=/),
    },
  ]);
});

test('the smallest and largest ints are accepted, and -0 is 0', () => {
  for (const n of [Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER]) {
    expect(parseParams(int, [`limit=${n}`])).toEqual({ limit: n });
  }
  expect(Object.is(parseParams(int, ['limit=-0']).limit, 0)).toBe(true);
});

test('one error lists every problem with its param and hint', () => {
  const defs: ParamDef[] = [
    { name: 'project', type: 'string', description: 'The project to watch', required: true },
    { name: 'order', type: 'enum', description: 'Which first', values },
    { name: 'show', type: 'multi', description: 'What', values },
    { name: 'live', type: 'bool', description: 'Now' },
    { name: 'limit', type: 'int', description: 'How many' },
    { name: 'user', type: 'string', description: 'Whose' },
  ];
  const args = [
    'projct=p',
    'order=decs',
    'show=asc,,best',
    'live',
    'limit=1',
    'limit=2',
    'user=u',
    'colour=red',
  ];
  const problems = problemsOf(defs, args);
  const of = (param: string) => problems.filter((p) => p.param === param);
  expect(of('projct')[0]?.hint).toMatch(
    /^Did you mean `project`\? It takes: limit, live, order, project, show, user\.$/,
  );
  expect(of('project')).toEqual([
    {
      param: 'project',
      message: 'Param `project` is required.',
      hint: 'Give -p project=VALUE: The project to watch',
    },
  ]);
  expect(of('order')[0]?.hint).toBe(
    'Did you mean `desc`? Values of `order`: asc (oldest first), desc (newest first).',
  );
  expect(of('show').map((p) => p.message)).toEqual([
    'Param `show` has an empty value.',
    'Param `show` is "best", but must be one of its values.',
  ]);
  expect(of('live')[0]?.hint).toContain('-p live=VALUE');
  expect(of('limit')[0]?.message).toContain('is given 2 times');
  expect(of('colour')[0]?.hint).toMatch(/^It takes: /);
  expect(of('user')).toEqual([]);
  expect(problems).toHaveLength(8);
});

test('an empty required param counts as missing, as with an unset shell variable', () => {
  const defs: ParamDef[] = [{ name: 'project', type: 'string', description: 'Which', required: true }];
  expect(problemsOf(defs, ['project='])[0]?.message).toBe('Param `project` is required, but empty.');
});

test('only true and false are bools', () => {
  const defs: ParamDef[] = [{ name: 'live', type: 'bool', description: 'Now' }];
  expect(parseParams(defs, ['live=true'])).toEqual({ live: true });
  for (const text of ['', '1', 'yes', 'TRUE']) expect(problemsOf(defs, [`live=${text}`])).toHaveLength(1);
});

test('a param with the name of an Object.prototype member is unknown like any other', () => {
  expect(problemsOf(int, ['__proto__=1', 'constructor=2']).map((p) => p.param)).toEqual([
    '__proto__',
    'constructor',
  ]);
});

test('a param named `__proto__` is kept', () => {
  const params = parseParams([{ name: '__proto__', type: 'string', description: 'A name' }], ['__proto__=x']);
  expect(Object.entries(params)).toEqual([['__proto__', 'x']]);
});
