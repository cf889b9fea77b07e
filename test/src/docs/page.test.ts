import { expect, test } from 'vitest';
import { isAsShown, stepsOf } from './page.js';

test('commands and their answers are read from a page', () => {
  const page = [
    'Text `code`',
    '```sh',
    'npm ci',
    'curl "$X" \\',
    "  -d '{",
    "  }'",
    'weir query "it\'s"',
    '```',
    '```json',
    '{"a":1}',
    '```',
    '```ts',
    'no()',
    '```',
  ].join('\n');
  expect(stepsOf(page)).toEqual([
    { line: 2, commands: ['curl "$X" \\\n  -d \'{\n  }\'', 'weir query "it\'s"'], answer: '{"a":1}' },
  ]);
});

test('an output is compared with a page without what differs from run to run', () => {
  const shown = `{"id":"01a1fe7c-2a03-78f2-961c-89d576441d12","n":1, "rows":[…],
    "at":"2026-11-20T10:01:00.000Z","elapsed_ms":14}`;
  const output = (n: number) =>
    `{"id":"x","n":${n},"rows":[1,2],"at":"2027-01-01T00:00:00.001Z","elapsed_ms":3.5}\n`;
  expect(isAsShown(output(1), shown)).toBe(true);
  expect(isAsShown(output(2), shown)).toBe(false);
});
