import { expect, test } from 'vitest';
import { sentence } from './sentence.js';

test.each([
  ['leave it out.', 'Leave it out'],
  ["don't, please", "Don't, please"],
  ['Start it', 'Start it'],
  ['toDateTime64(…) makes a time', 'toDateTime64(…) makes a time'],
  ['after=earliest begins anew', 'after=earliest begins anew'],
  ['weir login saves it', 'weir login saves it'],
  ['Write a, b or …', 'Write a, b or …'],
  ['', ''],
])('the hint %j is formatted as %j', (hint, shown) => {
  expect(sentence(hint)).toBe(shown);
});
