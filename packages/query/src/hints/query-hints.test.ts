import { expect, test } from 'vitest';
import { changingStatement, hintOfError } from './query-hints.js';

test('a statement that changes data is found after comments', () => {
  expect(changingStatement('/* a **/ -- b\n /**/ delete FROM events')).toBe('DELETE');
  expect(changingStatement('SELECT 1 -- DELETE')).toBeUndefined();
  expect(changingStatement('/* DELETE')).toBeUndefined();
});

test.each(['/**/', '/* */ ', '--\n', '/***/', '/*', ' '])('thousands of %j take linear time', (text) => {
  // Backtracking over them would exceed any test timeout.
  expect(changingStatement(`${text.repeat(9_000 / text.length)}SELECT`)).toBeUndefined();
});

test.each(['Illegal type String ', 'no supertype for types String ', 'arguments ', 'Lambda '])(
  'an error that repeats %j thousands of times has no hint, and takes linear time',
  (text) => {
    // Backtracking over them would exceed any test timeout.
    expect(hintOfError(text.repeat(20_000), 'SELECT 1')).toBeUndefined();
  },
);

test('the suggestion at the end of a long error is found', () => {
  const error = (end: string) =>
    `Unknown expression identifier \`evnt\` in scope SELECT ${'x'.repeat(5_000)}.${end}`;
  expect(hintOfError(error(''), 'SELECT evnt')).toContain('DESCRIBE events');
  expect(hintOfError(error(" Maybe you meant: ['event']."), 'SELECT evnt')).toBeUndefined();
});
