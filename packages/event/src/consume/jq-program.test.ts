import fc from 'fast-check';
import { type Jq, loadJq } from 'jq-wasm';
import { beforeAll, expect, test } from 'vitest';
import { jqSyntaxError, runJq } from './jq-program.js';

let jq: Jq;
beforeAll(async () => {
  jq = await loadJq();
});

test('every input has its own result, in order, and numbers keep all digits', () => {
  const inputs = ['{"n":12345678901234567890}', '{"n":null}', '[1]', '{"n":"a\\u0000\\n\u2028"}'];
  expect(runJq(jq, '.n, (.n | select(. != null))', inputs)).toEqual([
    { lines: ['12345678901234567890', '12345678901234567890'] },
    { lines: ['null'] },
    { error: 'Cannot index array with string ("n")' },
    { lines: ['"a\\u0000\\n\u2028"', '"a\\u0000\\n\u2028"'] },
  ]);
});

test.each<[string, unknown[]]>([
  ['empty', [{ lines: [] }, { lines: [] }]],
  ['[2], [1, 2], "[2]"', Array(2).fill({ lines: ['[2]', '[1,2]', '"[2]"'] })],
  ['. as [$a, $b] | $b # a comment', [{ lines: ['2'] }, { lines: ['4'] }]],
  ['def f: .[0]; f', [{ lines: ['1'] }, { lines: ['3'] }]],
  ['.[0], input', Array(2).fill({ error: 'No more inputs' })],
  ['[inputs]', Array(2).fill({ lines: ['[]'] })],
  ['.[0], halt', [{ lines: ['1'] }, { lines: ['3'] }]],
  ['"told" | halt_error', Array(2).fill({ error: 'told' })],
  ['error({a: 1})', Array(2).fill({ error: '{"a":1} (not a string)' })],
  ['label $out | .[], break $out, "never"', [{ lines: ['1', '2'] }, { lines: ['3', '4'] }]],
])('%s', (expression, expected) => {
  expect(jqSyntaxError(jq, expression)).toBeUndefined();
  expect(runJq(jq, expression, ['[1,2]', '[3,4]'])).toEqual(expected);
});

test.each(['.a |', '.a) | (.b', 'nope(1)', '.) | [0, .]) catch 1) #', 'import "a" as a; .'])(
  'no expression: %s',
  (expression) => {
    expect(jqSyntaxError(jq, expression)).toMatch(/^jq: error/);
  },
);

test('a batch returns what each input returns alone', () => {
  const input = fc.json({ maxDepth: 3 });
  const expression = fc.constantFrom(
    '.',
    '.[]?',
    '.a',
    'keys',
    'tojson',
    'select(type == "number")',
    '.. | scalars',
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 8 }), expression, (inputs, program) => {
      const alone = inputs.flatMap((one) => runJq(jq, program, [one]));
      expect(runJq(jq, program, inputs)).toEqual(alone);
    }),
    { numRuns: 30 },
  );
});
