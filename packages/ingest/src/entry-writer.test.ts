import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryWriter, entryBytesOf } from './entry-writer.js';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom('', 'a'.repeat(127), 'a'.repeat(128), 'é'.repeat(64), '€'.repeat(6_000)),
  fc.constant('x'.repeat(300_000)),
);
const event = fc.record({
  event: text,
  timestamp: fc.nat(),
  event_id: fc.option(text),
  anonymous_id: fc.option(text),
  user_id: fc.option(text),
  session_id: fc.option(text),
  properties: text,
  extras: text,
});

test('the bytes of entries are known before they are written', () => {
  const writer = new EntryWriter(1);
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const keys = new Uint32Array(events.length * 4);
      const entries = writer.write('0190d3c2-0000-7000-8000-000000000001', 1, events, keys, [
        ...events.keys(),
      ]);
      expect(entryBytesOf(events)).toBe(entries.reduce((sum, { length }) => sum + length, 0));
    }),
    { numRuns: 100 },
  );
});
