import { expect, it } from 'vitest';
import { EngineException } from './engine-exception.js';

it.each([
  [
    'Code: 62. DB::Exception: Syntax error: failed at 1 (x). (SYNTAX_ERROR)',
    62,
    'SYNTAX_ERROR',
    'Syntax error: failed at 1 (x).',
  ],
  ['Code: 60. DB::Exception: No t. (UNKNOWN_TABLE) (version 26.7.2.1)', 60, 'UNKNOWN_TABLE', 'No t.'],
  [
    "Code: 115. DB::Exception: Code: 115. DB::Exception: Unknown setting 'a'. (UNKNOWN_SETTING) (version 26.7.2.1). (UNKNOWN_SETTING)",
    115,
    'UNKNOWN_SETTING',
    "Unknown setting 'a'.",
  ],
  ['std::bad_alloc', 1002, 'UNKNOWN_EXCEPTION', 'std::bad_alloc'],
])('reads %s', (text, code, codeName, message) => {
  expect(EngineException.from(new Error(text))).toMatchObject({ number: code, code: codeName, message });
});

it('parses a text that quotes megabytes of a tenant in one pass, and keeps both ends', () => {
  const text = `Code: 6. DB::Exception: Cannot parse '${' '.repeat(5_000_000)}x'. (CANNOT_PARSE_TEXT)`;
  const read = EngineException.from(new Error(text));
  expect(read).toMatchObject({ number: 6, code: 'CANNOT_PARSE_TEXT' });
  expect(read.text.length).toBeLessThan(20_000);
});
