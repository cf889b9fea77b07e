import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RIGHT_MS } from '../right-watch.js';
import { Subscription, type SubscriptionParts } from './subscription.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Dependencies of a feed without items, whose host gives these answers one after another. */
function partsOf(answers: readonly (() => Promise<unknown>)[]): SubscriptionParts {
  const left = [...answers];
  const parts = {
    feed: {
      locate: async () => ({ stream: 's', offset: 0, cursor: 'c' }),
      feed: {
        // biome-ignore lint/correctness/useYield: there are no items
        async *follow(_place: unknown, { signal }: { readonly signal: AbortSignal }) {
          await once(signal, 'abort');
        },
      },
    },
    outbox: { answer: () => {} },
    access: { refusalOf: () => (left.length > 1 ? left.shift() : left[0])?.() },
  };
  // The cast holds for the parts that a subscription without items uses.
  return parts as unknown as SubscriptionParts;
}

test.each([
  ['refuses', async () => new Error('not paid')],
  ['fails', () => Promise.reject(new Error('the host does not answer'))],
])('a subscription says why it ends when the host later %s', async (_what, later) => {
  const parts = partsOf([async () => null, async () => null, later]);
  const frame = { op: 'subscribe', sub: 's', stream: 'events', after: 'latest' } as const;
  const running = new Subscription(frame, 'p', parts).run();
  const ended = expect(running).rejects.toThrow(/not paid|does not answer/);
  await vi.advanceTimersByTimeAsync(3 * RIGHT_MS);
  await ended;
});
