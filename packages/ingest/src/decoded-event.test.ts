import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEvent, isRefusal, validateBatch } from './index.js';

test('an event decodes from its own JSON to the same event', () => {
  const id = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }));
  const raw = fc.record(
    {
      event: fc.string({ minLength: 1 }),
      timestamp: fc.oneof(
        fc.integer({ min: 100_000_000_000, max: 7_000_000_000_000 }),
        fc
          .date({ min: new Date(0), max: new Date('2199-12-31'), noInvalidDate: true })
          .map((date) => date.toISOString()),
      ),
      event_id: id,
      user_id: id,
      properties: fc.dictionary(fc.string(), fc.jsonValue()),
      extras: fc.dictionary(fc.string(), fc.jsonValue()),
      stray: fc.jsonValue(),
    },
    { requiredKeys: ['event', 'timestamp'] },
  );
  fc.assert(
    fc.property(raw, (given) => {
      const event = decodeEvent(given);
      expect(isRefusal(event)).toBe(false);
      expect(decodeEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
    }),
  );
});

test('a program may omit some fields of an event, and an invalid one has a reason', () => {
  const nothing = { event_id: null, anonymous_id: null, user_id: null, session_id: null };
  expect(
    validateBatch([
      { event: 'a', timestamp: 5 },
      { event: 'b', timestamp: 5, properties: '' },
    ]),
  ).toEqual({
    valid: ['a', 'b'].map((event) => ({ event, timestamp: 5, ...nothing, properties: '{}', extras: '{}' })),
    rejected: [],
  });
  // The casts stand for a program without types.
  const wrong = [
    {},
    { event: 'a' },
    { event: 1, timestamp: 5 },
    { event: 'a', timestamp: '5' },
    { event: 'a', timestamp: Number.NaN },
    { event: 'a', timestamp: 5, user_id: 7 },
    { event: 'a', timestamp: 5, properties: { a: 1 } },
    null,
    'a',
  ] as never[];
  expect(validateBatch(wrong).rejected.map(({ reason }) => reason)).toEqual([
    'event required',
    'timestamp required',
    'event must be a string',
    'timestamp invalid: give epoch milliseconds',
    'timestamp invalid: give epoch milliseconds',
    'user_id must be a string',
    'properties must be the JSON text of an object',
    'event must be an object',
    'event must be an object',
  ]);
});
