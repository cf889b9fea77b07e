import { expect, test } from 'vitest';
import { placeOf } from './consume-options.js';

const NOW = Date.parse('2026-11-30T12:00:00Z');

test.each([
  [undefined, 'latest'],
  ['earliest', 'earliest'],
  ['1h', '2026-11-30T11:00:00.000Z'],
  ['7d', '2026-11-23T12:00:00.000Z'],
  ['2026-11-30T10:00:00Z', '2026-11-30T10:00:00Z'],
  ['17', '17'],
  ['awHUKgAAAAAABA', 'awHUKgAAAAAABA'],
])('--from %s starts at %s', (from, place) => {
  expect(placeOf(from, NOW, 'latest')).toBe(place);
});
