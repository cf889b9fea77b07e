import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slice } from '../slice.js';
import { PIECE_BYTES, parseJson } from './parse-json.js';

const FREE = { maxItems: Number.POSITIVE_INFINITY, maxDepth: Number.POSITIVE_INFINITY };

async function outcome(text: string): Promise<unknown> {
  return await parseJson(Buffer.from(text), { ...FREE, slice: new Slice() }).catch((error: unknown) => {
    if (error instanceof SyntaxError) return 'SyntaxError';
    throw error;
  });
}

function reference(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'SyntaxError';
  }
}

/** Values whose text is cut: long strings, many members, and nested containers of them. */
const long = fc.oneof(
  fc
    .string({ unit: fc.constantFrom('a', 'é', '😀', '\\', '"', '\n', '\u0001'), minLength: 1, maxLength: 40 })
    .map((text) => text.repeat(Math.ceil((PIECE_BYTES * 1.5) / text.length))),
  fc
    .array(fc.jsonValue(), { minLength: 1, maxLength: 20 })
    .map((values) => Array.from({ length: 6_000 }, (_, i) => values[i % values.length])),
  fc
    .array(fc.jsonValue(), { minLength: 1, maxLength: 20 })
    .map((values) =>
      Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`key ${i}`, values[i % values.length]])),
    ),
);
const value = fc.oneof(
  fc.jsonValue(),
  fc.array(long, { maxLength: 3 }),
  fc.dictionary(fc.string(), long, { maxKeys: 3 }),
);

test('any value is parsed like JSON.parse, for any cuts', async () => {
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom(undefined, 1, '\t'), async (given, space) => {
      const text = JSON.stringify(given, null, space);
      expect(await outcome(text)).toEqual(reference(text));
    }),
    { numRuns: 25 },
  );
});

test('a damaged text is rejected exactly when JSON.parse rejects it', async () => {
  const damage = fc.record({
    given: value,
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(3),
    put: fc.constantFrom(
      '',
      ',',
      ':',
      '"',
      '[',
      ']',
      '{',
      '}',
      '\\',
      ' ',
      '1',
      'true',
      '[,',
      ',]',
      '{,',
      ',,',
    ),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ given, at, cut, put }) => {
      const whole = JSON.stringify(given);
      const place = Math.floor(at * whole.length);
      // Bytes decide, because a lone surrogate has no bytes of its own.
      const text = Buffer.from(whole.slice(0, place) + put + whole.slice(place + cut)).toString();
      expect(await outcome(text)).toEqual(reference(text));
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['[1,,2]'],
  ['[,1]'],
  ['[1,]'],
  ['[}'],
  ['{]'],
  ['[1}'],
  ['{"a":1]'],
  ['{,"a":1}'],
  ['{"a" 1}'],
  ['{a:1}'],
  ['{"a":}'],
  ['[] []'],
  [''],
  [' '],
  ['"'],
  ['[1 2]'],
  ['nul'],
])('the text %s is refused, alone and between long members', async (text) => {
  const long = JSON.stringify('x'.repeat(PIECE_BYTES));
  for (const whole of [text, `[${long},${text},${long}]`, `{"a":${long},"b":${text},"c":${long}}`]) {
    expect(await outcome(whole)).toEqual(reference(whole));
  }
});

test('a key __proto__ stays a key, and the last of equal keys wins', async () => {
  const long = JSON.stringify('x'.repeat(PIECE_BYTES));
  const parsed = await outcome(`{"__proto__":${long},"a":1,"b":${long},"a":2}`);
  expect(Object.keys(parsed as object)).toEqual(['__proto__', 'a', 'b']);
  expect(parsed).toMatchObject({ a: 2 });
});

test('values and levels beyond the limits are rejected before anything is parsed', async () => {
  const bounds = { maxItems: 10, maxDepth: 3 };
  const parse = (text: string) => parseJson(Buffer.from(text), { ...bounds, slice: new Slice() });
  expect(await parse('[[[1,2,3]]]')).toEqual([[[1, 2, 3]]]);
  await expect(parse('[[[[]]]]')).rejects.toThrow('more than 3 levels');
  await expect(parse(`[${'1,'.repeat(10)}`)).rejects.toThrow('more than 10 values');
});

test('a long text yields to the event loop', async () => {
  const text = JSON.stringify(Array.from({ length: 200_000 }, (_, i) => ({ [`key ${i}`]: i })));
  let turns = 0;
  const count = setInterval(() => {
    turns += 1;
  }, 0);
  expect(await outcome(text)).toHaveLength(200_000);
  clearInterval(count);
  expect(turns).toBeGreaterThan(10);
});
