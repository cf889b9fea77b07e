import { expect, test } from 'vitest';
import { incompleteUtf8 } from './utf8.js';

test('text cut anywhere reports the bytes of its last incomplete character', () => {
  const text = Buffer.from('aé€😀');
  expect(Array.from({ length: text.length + 1 }, (_, end) => incompleteUtf8(text.subarray(0, end)))).toEqual([
    0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0,
  ]);
});

test('bytes that cannot become a character wait for none', () => {
  for (const bytes of [
    [0xff],
    [0xfe, 0x80],
    [0xc0],
    [0xf5, 0x80],
    [0x80, 0x80, 0x80, 0x80],
    [0xe2, 0x82, 0x41],
  ])
    expect(incompleteUtf8(Buffer.from(bytes))).toBe(0);
});
