import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DedupFilter } from './index.js';

test('agrees with a list of all recorded ids: the last ids within the time to live, and no other', () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 12 }), wait: fc.integer({ min: 0, max: 30 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, capacity) => {
      let now = 0;
      const filter = new DedupFilter({ ttlMs: 100, capacity, now: () => now });
      const recorded: { id: number; at: number }[] = [];
      for (const { id, wait } of steps) {
        now += wait;
        const known = recorded.slice(-capacity).some((r) => r.id === id && now - r.at < 100);
        expect(filter.isDuplicate(String(id))).toBe(known);
        if (!known) recorded.push({ id, at: now });
        expect(filter.size).toBeLessThanOrEqual(capacity);
      }
    }),
  );
});

test('an id that is recorded again after it expired outlives its old slot in the ring', () => {
  let now = 0;
  const filter = new DedupFilter({ ttlMs: 10, capacity: 3, now: () => now });
  expect(filter.isDuplicate('a')).toBe(false);
  now = 10;
  expect(filter.isDuplicate('a')).toBe(false);
  expect(filter.isDuplicate('b')).toBe(false);
  // Overwrites the slot of the first 'a'.
  expect(filter.isDuplicate('c')).toBe(false);
  expect(filter.isDuplicate('a')).toBe(true);
  // Overwrites the slot of the second 'a'.
  expect(filter.isDuplicate('d')).toBe(false);
  expect(filter.isDuplicate('a')).toBe(false);
});

test('by default remembers 10,000 ids for five minutes', () => {
  let now = 0;
  const filter = new DedupFilter({ now: () => now });
  for (let i = 0; i < 10_000; i++) filter.isDuplicate(`id ${i}`);
  expect(filter.isDuplicate('id 0')).toBe(true);
  now = 299_999;
  expect(filter.isDuplicate('id 9999')).toBe(true);
  now = 300_000;
  expect(filter.isDuplicate('id 9999')).toBe(false);
});

test('checking and recording can be two steps, and an empty id is never a duplicate', () => {
  const filter = new DedupFilter();
  expect(filter.has('a')).toBe(false);
  expect(filter.has('a')).toBe(false);
  filter.record('a');
  expect(filter.has('a')).toBe(true);
  expect(filter.isDuplicate('a')).toBe(true);
  expect(filter.isDuplicate('')).toBe(false);
  expect(filter.isDuplicate('')).toBe(false);
  expect(filter.size).toBe(1);
});
