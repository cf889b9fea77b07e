/** What befalls one channel in a run, as fast-check makes it up. */
import fc from 'fast-check';

/** One thing that happens; what is sent is sent without waiting for the things before it. */
export type Step =
  /** A side sends messages; the submitter each in a request or all in one, the executor over its socket. */
  | {
      readonly do: 'send';
      readonly by: 'submitter' | 'executor';
      readonly count: number;
      readonly bytes: number;
      readonly asBatch: boolean;
    }
  /** The submitter sends one of its messages again: the same answer. `back` picks which. */
  | { readonly do: 'repeat'; readonly back: number }
  /** The submitter sends other content with a number it has used: refused. */
  | { readonly do: 'contradict'; readonly back: number }
  /** Another reader comes. `after` is a share of what is there; it takes `pauseMs` for each tenth message. */
  | {
      readonly do: 'read';
      readonly by: 'socket' | 'request';
      readonly after: number;
      readonly pauseMs: number;
    }
  /** All connections break. */
  | { readonly do: 'cut' }
  /** The executor stops sending heartbeats: another executor gets the process. */
  | { readonly do: 'abandon' }
  /** kill -9 of the server, and another start. */
  | { readonly do: 'kill' };

const send = fc.record({
  do: fc.constant('send' as const),
  by: fc.constantFrom('submitter' as const, 'executor' as const),
  count: fc.integer({ min: 1, max: 30 }),
  bytes: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 100_000 }) },
  ),
  asBatch: fc.boolean(),
});
const again = fc.record({
  do: fc.constantFrom('repeat' as const, 'contradict' as const),
  back: fc.nat(50),
});
const read = fc.record({
  do: fc.constant('read' as const),
  by: fc.constantFrom('socket' as const, 'request' as const),
  after: fc.double({ min: 0, max: 1, noNaN: true }),
  pauseMs: fc.constantFrom(0, 0, 5, 30),
});
const fault = (what: 'cut' | 'abandon' | 'kill') => fc.record({ do: fc.constant(what) });

/** A case: mostly messages; a kill or an abandoned process in some, as they take seconds. */
export const channelCase: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 40, arbitrary: send },
    { weight: 12, arbitrary: again },
    { weight: 14, arbitrary: read },
    { weight: 10, arbitrary: fault('cut') },
    { weight: 2, arbitrary: fault('abandon') },
    { weight: 1, arbitrary: fault('kill') },
  ),
  { minLength: 4, maxLength: 16 },
);
