import { expect, test } from 'vitest';
import { fairLevel } from './fair-level.js';

test('the largest shares are cut to one level, and smaller shares stay whole', () => {
  expect(fairLevel([100, 10, 20], 80)).toBe(50);
  expect(fairLevel([100, 90, 10], 100)).toBe(45);
  expect(fairLevel([100], 30)).toBe(30);
  expect(fairLevel([10, 20], 30)).toBe(Number.POSITIVE_INFINITY);
  expect(fairLevel([], 0)).toBe(Number.POSITIVE_INFINITY);
  expect(fairLevel([5, 5], -1)).toBe(0);
});
