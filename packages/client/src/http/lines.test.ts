import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from './lines.js';

test('lines are the same wherever the body is split, also within a character', async () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll('\n', '·'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.boolean(),
      fc.integer({ min: 1, max: 7 }),
      async (lines, isEnded, size) => {
        const bytes = new TextEncoder().encode(lines.join('\n') + (isEnded ? '\n' : ''));
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
            controller.close();
          },
        });
        const read: string[] = [];
        for await (const text of linesOf(body)) read.push(text);
        // A text that is not well-formed comes back with replacement characters.
        expect(read).toEqual(lines.map((text) => text.toWellFormed()));
      },
    ),
  );
});
