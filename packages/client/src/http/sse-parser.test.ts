import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SseBlock, SseParser } from './sse-parser.js';

const text = fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\r\n\0]/g, ''));
const block = fc.record({ id: text, event: text, data: text }, { requiredKeys: ['id'] });

test('what was written is read, wherever the stream is split and however lines end', () => {
  fc.assert(
    fc.property(
      fc.array(block),
      fc.constantFrom('\n', '\r\n'),
      fc.infiniteStream(fc.nat(9)),
      (blocks, eol, sizes) => {
        const whole = blocks
          .map((one) =>
            [': a comment', ...Object.entries(one).map(([name, value]) => `${name}: ${value}`), '', ''].join(
              eol,
            ),
          )
          .join('');
        const parser = new SseParser();
        const read: SseBlock[] = [];
        for (let at = 0; at < whole.length; ) {
          const size = 1 + (sizes.next().value ?? 0);
          read.push(...parser.push(whole.slice(at, at + size)));
          at += size;
        }
        expect(read).toEqual(blocks);
      },
    ),
  );
});

test('lines of data are one text, a block that is cut off is none, and an id without data is told', () => {
  const parser = new SseParser();
  expect(
    parser.push('retry: 1000\nid: a\n\n: still here\n\ndata: 1\ndata:2\nid: b\n\nid: c\ndata: 3\n'),
  ).toEqual([{ id: 'a' }, { id: 'b', data: '1\n2' }]);
  expect(parser.push('\n')).toEqual([{ id: 'c', data: '3' }]);
});
