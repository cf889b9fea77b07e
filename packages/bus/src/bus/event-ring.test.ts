import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventRing, type RingEvent } from './event-ring.js';

const CAPACITY = 5;
const MAX_BYTES = 1_500;
/** Estimated memory of an event in addition to its line. */
const OVERHEAD = 200;

type Command = { push: RingEvent } | { moveTo: string } | 'breakOff';

const cursor = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      push: fc.record({
        rest: fc.integer({ min: 0, max: 900 }).map((length) => Buffer.alloc(length)),
        type: fc.constant('t'),
        cursor: fc.option(cursor, { nil: undefined }),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ moveTo: cursor }) },
  { weight: 1, arbitrary: fc.constant('breakOff' as const) },
);

test('a ring retains the latest events within its bounds, and maps each retained cursor to a position', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const ring = new EventRing(CAPACITY, MAX_BYTES);
      /** A simple model of the ring: each retained event, its position, and whether an older cursor leads to it. */
      let held: { place: number; event: RingEvent; isJoined: boolean }[] = [];
      let end = 0;
      let position: string | undefined;
      for (const one of commands) {
        if (one === 'breakOff') {
          ring.breakOff();
          held = held.map((entry) => ({ ...entry, isJoined: false }));
          position = undefined;
        } else if ('moveTo' in one) {
          ring.moveTo(one.moveTo);
          position = one.moveTo;
        } else {
          ring.push(one.push);
          held.push({ place: end, event: one.push, isJoined: true });
          end += 1;
          position = one.push.cursor ?? position;
          const bytes = () => held.reduce((sum, { event }) => sum + event.rest.length + OVERHEAD, 0);
          while (held.length > CAPACITY || (bytes() > MAX_BYTES && held.length > 1)) held.shift();
        }
        const first = held[0]?.place ?? end;
        expect([ring.first, ring.end, ring.position]).toEqual([first, end, position]);
        for (let place = Math.max(0, first - 2); place <= end; place += 1) {
          expect(ring.at(place)).toBe(held.find((entry) => entry.place === place)?.event);
        }
        for (const letter of 'abcdefgh') {
          const latest = held.findLast(({ event, isJoined }) => isJoined && event.cursor === letter);
          const after = letter === position ? end : latest === undefined ? undefined : latest.place + 1;
          expect(ring.placeAfter(letter)).toBe(after);
        }
      }
    }),
    { numRuns: 500 },
  );
});
