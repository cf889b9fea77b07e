import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventBase64, eventText, inPieces } from './event-text.js';

const PIECE = 64 * 1024;

/** The data of one event as its receiver assembles it (html.spec.whatwg.org, 9.2.6). */
function dataOf(bytes: Buffer): string {
  const lines = bytes.toString().split(/\r\n|\r|\n/);
  expect(lines.slice(-2)).toEqual(['', '']);
  expect(lines[0]).toBe('event: data');
  return lines
    .slice(1, -2)
    .map((line) => line.replace(/^data: ?/, ''))
    .join('\n');
}

const received = (texts: Iterable<string>) =>
  Buffer.concat([...inPieces(texts)].map((text) => Buffer.from(text)));

test('text arrives unchanged except for its line ends, for any pieces', () => {
  const part = fc.constantFrom('\r', '\n', '\r\n', ' ', 'a', 'é', '😀', ':', 'data:');
  const around = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(around, fc.integer({ min: PIECE - 12, max: PIECE + 2 }), around, (before, filler, after) => {
      const text = before + 'x'.repeat(filler) + after;
      expect(dataOf(received(eventText('data', text)))).toBe(text.replace(/\r\n|\r/g, '\n'));
    }),
    { numRuns: 500 },
  );
});

test('bytes arrive unchanged, for any pieces', () => {
  for (const length of [0, 1, PIECE - 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 2]) {
    const bytes = Buffer.alloc(length, 'abcdefg');
    expect(Buffer.from(dataOf(received(eventBase64('data', bytes))), 'base64')).toEqual(bytes);
  }
});

test('a small text is one piece, and ten megabytes of line ends make no large one', () => {
  expect([...inPieces(eventText('data', 'a\nb'))]).toEqual(['event: data\ndata:a\ndata:b\n\n']);
  let length = 0;
  for (const piece of inPieces(eventText('data', '\n'.repeat(10 * 1024 * 1024)))) {
    expect(piece.length).toBeLessThan(8 * PIECE);
    length += piece.length;
  }
  expect(length).toBeGreaterThan(60 * 1024 * 1024);
});
