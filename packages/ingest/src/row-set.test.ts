import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IngestEntry } from './entry.js';
import { EntryWriter } from './entry-writer.js';
import { partitionOf } from './partition.js';
import { RowSet } from './row-set.js';
import type { ValidEvent } from './validate.js';

const PROJECT = '0192c2e0-1111-7aaa-8bbb-cccccccccccc';
const OTHER = 'ffffffff-2222-4ddd-9eee-000000000001';
const END = Date.UTC(2200, 0, 1) - 1;

const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((one) => one.isWellFormed());
const anEvent: fc.Arbitrary<ValidEvent> = fc.record({
  event: text,
  timestamp: fc.integer({ min: 0, max: END }),
  event_id: text,
  anonymous_id: fc.option(text),
  user_id: fc.option(text),
  session_id: fc.option(text),
  properties: text,
  extras: text,
});

function entriesOf(events: readonly ValidEvent[], project = PROJECT, firstOffset = 1): IngestEntry[] {
  const keys = new Uint32Array(events.length * 4);
  const written = new EntryWriter(7).write(project, 1234, events, keys, [...events.keys()]);
  return written.map((data, i) => new IngestEntry(data).placeAt(firstOffset + i));
}

describe('log entries', () => {
  it('return every event unchanged, at any place in the log (property)', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 1, maxLength: 20 }), fc.maxSafeNat(), (events, offset) => {
        const entries = entriesOf(events, PROJECT, Math.max(offset, 1));
        expect(entries.every((entry) => entry.projectId === PROJECT)).toBe(true);
        const set = RowSet.of(entries);
        expect([...set.events()]).toEqual(events.map((event) => ({ ...event, received_at: 1234 })));
        expect([...set.locations()]).toEqual(
          events.map((_, index) => ({ offset: Math.max(offset, 1), index })),
        );
        expect([...RowSet.fromPayload(set.toPayload()).events()]).toEqual([...set.events()]);
        expect([...RowSet.fromPayload(set.toPayload()).locations()]).toEqual([...set.locations()]);
      }),
      { seed: 4 },
    );
  });

  it('stay near the size that brokers accept', () => {
    const event: ValidEvent = {
      event: 'big',
      timestamp: 1,
      event_id: null,
      anonymous_id: null,
      user_id: null,
      session_id: null,
      properties: `"${'x'.repeat(100_000)}"`,
      extras: '{}',
    };
    const entries = entriesOf(Array.from({ length: 20 }, () => event));
    expect(entries.length).toBeGreaterThan(2);
    for (const entry of entries) expect(entry.rows.length).toBeLessThan(700_000);
  });
});

describe('RowSet', () => {
  it('divides without losing or duplicating a row, within the limits of an insert (property)', () => {
    fc.assert(
      fc.property(
        fc.array(anEvent, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2_000, max: 20_000 }),
        (events, partitions, bytes) => {
          const set = RowSet.join([RowSet.of(entriesOf(events)), RowSet.of(entriesOf(events, OTHER, 2))]);
          const parts = set.within(partitions, bytes);
          const places = (sets: readonly RowSet[]): string[] =>
            sets
              .flatMap((one) => [...one.locations()].map(({ offset, index }) => `${offset}/${index}`))
              .sort();
          expect(places(parts)).toEqual(places([set]));
          expect(places(set.count > 1 ? set.halves() : [set])).toEqual(places([set]));
          expect(places([...set.byProject().values()])).toEqual(places([set]));
          for (const part of parts) {
            expect(
              new Set([...part.events()].map(({ timestamp }) => partitionOf(timestamp))).size,
            ).toBeLessThanOrEqual(partitions);
            expect(Buffer.concat(part.bytes).length).toBeLessThanOrEqual(bytes);
          }
        },
      ),
      { seed: 5 },
    );
  });

  it('omits the rows that ClickHouse has', () => {
    const event = fc.sample(anEvent, { seed: 6, numRuns: 5 });
    const set = RowSet.of(entriesOf(event));
    const held = [...set.locations()].filter(({ index }) => index % 2 === 0);
    expect([...set.without(held).locations()].map(({ index }) => index)).toEqual([1, 3]);
  });
});
