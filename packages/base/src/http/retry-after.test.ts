import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.js';

const NOW = Date.UTC(2026, 10, 30, 12, 0, 0);

test.each([
  ['7', 7_000],
  ['120', 120_000],
  ['0', 0],
  [' 3 ', 3_000],
  ['Mon, 30 Nov 2026 12:00:05 GMT', 5_000],
  ['Monday, 30-Nov-26 12:00:05 GMT', 5_000],
  ['Mon Nov 30 12:00:05 2026', 5_000],
  ['Mon, 30 Nov 2026 11:00:00 GMT', 0],
  ['1.5', undefined],
  ['-1', undefined],
  ['soon', undefined],
  ['in 3 days, Mon, 30 Nov 2026 12:00:05 GMT', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('Retry-After: %s asks for %s ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});
