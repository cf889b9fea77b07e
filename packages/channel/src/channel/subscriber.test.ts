import { openLog } from '@weir/log';
import { expect, test, vi } from 'vitest';
import { Router } from './index.js';
import { ANN, text } from './testing/people.js';

const ID = 'p_c';

/** Room that the test opens, and that opens at the end. */
class Gate {
  asked = 0;
  #open: () => void = () => {};

  readonly room = (): Promise<void> => {
    this.asked += 1;
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  };
  readonly open = (): void => this.#open();
}

async function channelOf(count: number) {
  const log = await openLog({ engine: 'memory' });
  const router = new Router({ log, rateLimit: false });
  await router.create({ processId: 'p', submitterId: 'ann', name: 'c' });
  const send = (n: number) => router.append(ID, ANN, text(n));
  for (let n = 1; n <= count; n++) await send(n);
  const gate = new Gate();
  const subscriber = await router.subscribe(ID, ANN, { room: gate.room, onEnd: gate.open });
  const frames = subscriber[Symbol.asyncIterator]();
  return { log, router, send, gate, subscriber, frames };
}

test('a subscriber without room takes neither stored nor live entries', async () => {
  const { log, router, send, gate, subscriber, frames } = await channelOf(3);
  const read = vi.spyOn(log, 'read');
  const first = frames.next();
  await vi.waitFor(() => expect(gate.asked).toBe(1));
  expect(read).not.toHaveBeenCalled();
  gate.open();
  expect((await first).value).toMatchObject({ entries: [{ index: 1 }, { index: 2 }, { index: 3 }] });

  const second = frames.next();
  // The subscription is live after it has read an empty page of history.
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2));
  router.setSubscriberBufferSize(2);
  await send(4);
  await vi.waitFor(() => expect(gate.asked).toBe(2));
  const tooSlow = expect(second).rejects.toMatchObject({ code: 'subscriber_too_slow', facts: { cursor: 3 } });
  for (const n of [5, 6]) await send(n);
  await tooSlow;
  expect(subscriber.cursor).toBe(3);
});

test('a subscriber without room still receives the end after all entries', async () => {
  const { router, gate, frames } = await channelOf(1);
  const first = frames.next();
  await vi.waitFor(() => expect(gate.asked).toBe(1));
  gate.open();
  await first;
  const last = frames.next();
  await router.closeProcess('p', 'success');
  expect((await last).value).toEqual({ type: 'closed', reason: 'success', lastIndex: 1 });
});

test('a subscription that ends before it has room stops', async () => {
  const { subscriber, gate, frames } = await channelOf(1);
  const first = frames.next();
  await vi.waitFor(() => expect(gate.asked).toBe(1));
  subscriber.close();
  expect(await first).toEqual({ done: true, value: undefined });
});
