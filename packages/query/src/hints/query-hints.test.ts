import { expect, test } from 'vitest';
import { changingStatement } from './query-hints.js';

test('a statement that changes something is found behind comments', () => {
  expect(changingStatement('/* a **/ -- b\n /**/ delete FROM events')).toBe('DELETE');
  expect(changingStatement('SELECT 1 -- DELETE')).toBeUndefined();
  expect(changingStatement('/* DELETE')).toBeUndefined();
});

test.each(['/**/', '/* */ ', '--\n', '/***/', '/*', ' '])(
  'thousands of %j cost no more than their length',
  (text) => {
    // Backtracking over them would take longer than any test may.
    expect(changingStatement(`${text.repeat(9_000 / text.length)}SELECT`)).toBeUndefined();
  },
);
