import { rawEvent } from '@weir/event';
import { type Source, SourceEnded } from '@weir/event/source';
import { afterEach, expect, test } from 'vitest';
import { TestBus } from './testing/test-bus.js';

let bus: TestBus | undefined;
afterEach(() => bus?.close());

const COUNT = 3_000;

/** Has `count` events; delivers the second half on request, and then ends. */
class FiniteSource implements Source {
  readonly name = 'finite';
  readonly hasOffsets = true;
  finish: () => void = () => {};
  #last = COUNT / 2;
  readonly #finished = new Promise<void>((resolve) => {
    this.finish = () => {
      this.#last = COUNT;
      resolve();
    };
  });

  open(from: string) {
    const [finished, last] = [this.#finished, this.#last];
    return {
      async *follow({ onState, onPosition }: Parameters<ReturnType<Source['open']>['follow']>[0]) {
        let at = from === 'latest' ? last : from === 'earliest' ? 0 : Number(from);
        onState('connected');
        // A stream may end before it reports a position, so a replay must detect the end by itself.
        if (at < COUNT) onPosition?.(String(at));
        while (at < COUNT) {
          if (at === COUNT / 2) await finished;
          at += 1;
          const facts = { event_id: `e${at}`, event_type: 'order', timestamp: '2026-01-01T00:00:00.000Z' };
          yield { event: rawEvent(facts, String(at)), cursor: String(at) };
        }
        throw new SourceEnded('finite has ended: success');
      },
    };
  }
}

const from = (first: number) => Array.from({ length: COUNT - first }, (_, i) => first + i + 1);

test('a source that ends does so for each consumer after its last event, even for a slow or late one', async () => {
  bus = await TestBus.start();
  const source = new FiniteSource();
  bus.openSource = () => source;
  const live = await bus.consumer();
  await live.connected();
  const [replaying, slow] = [await bus.consumer({ from: 'earliest' }), await bus.consumer()];
  await slow.connected();
  slow.socket.pause();
  source.finish();
  await Promise.all([live.closed(), replaying.closed()]);
  const late = await bus.consumer({ from: '10' });
  await late.closed();
  slow.socket.resume();
  await slow.closed();
  expect(live.numbers).toEqual(from(COUNT / 2));
  expect(slow.numbers).toEqual(from(COUNT / 2));
  expect(replaying.numbers).toEqual(from(0));
  expect(late.numbers).toEqual(from(10));
  for (const consumer of [live, slow, replaying, late]) {
    const [bye] = consumer.all('bye');
    expect(bye).toMatchObject({ reason: 'upstream', error: { kind: 'failed', code: 'source_ended' } });
    expect(consumer.messages.at(-1)).toBe(bye);
  }
});
