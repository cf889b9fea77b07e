import { ConsumeError } from '@weir/event/source';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { BusLimits } from './index.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { TestBus } from './testing/test-bus.js';
import { HELLO, type TestConsumer } from './testing/test-consumer.js';

let bus: TestBus | undefined;
afterEach(() => bus?.close());

const start = async (limits: Partial<BusLimits> = {}, source = new ScriptedSource()): Promise<TestBus> => {
  bus = await TestBus.start(limits, source);
  return bus;
};

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const has = (count: number) => (consumer: TestConsumer) => consumer.numbers.length >= count;
const named = (...names: string[]) => ({ ...HELLO.source, names }) as typeof HELLO.source;

test('consumers share one stream, and each receives every event once and in order', async () => {
  const { source } = await start();
  const consumers = await Promise.all(upTo(20).map(() => bus?.consumer())).then((all) =>
    all.filter((c) => !!c),
  );
  await Promise.all(consumers.map((consumer) => consumer.connected()));
  for (const _ of upTo(500)) source.publish();
  await Promise.all(consumers.map((consumer) => consumer.until(has(500))));
  for (const consumer of consumers) {
    expect(consumer.numbers).toEqual(upTo(500));
    expect(consumer.all('event').map(({ seq }) => seq)).toEqual(upTo(500));
  }
  expect(source.opened).toHaveLength(1);
});

test('the stream carries the names of all consumers, and is reopened from its cursor when one needs more', async () => {
  const started = await start();
  const { source } = started;
  const a = await started.consumer({ source: named('a') });
  await a.connected();
  source.publish('a');
  const b = await started.consumer({ source: named('b') });
  await b.connected();
  expect(source.opened.map(({ from, names }) => [from, names])).toEqual([
    ['latest', ['a']],
    ['1', ['a', 'b']],
  ]);
  source.publish('b');
  source.publish('c');
  source.publish('a');
  await Promise.all([a.until(has(2)), b.until(has(1))]);
  expect(a.numbers).toEqual([1, 4]);
  expect(b.numbers).toEqual([2]);
  expect(source.followed).toHaveLength(1);
});

test('names that do not fit in a URL are not sent to the source, and each consumer still receives only its own', async () => {
  const started = await start();
  const { source } = started;
  const many = (letter: string) => named(...upTo(30).map((i) => `${letter}${i}`));
  const [a, b] = [
    await started.consumer({ source: many('a') }),
    await started.consumer({ source: many('b') }),
  ];
  await Promise.all([a.connected(), b.connected()]);
  expect(source.followed.map(({ names }) => names)).toEqual([undefined]);
  for (const name of ['a1', 'c1', 'b1', 'a30']) source.publish(name);
  await Promise.all([a.until(has(2)), b.until(has(1))]);
  const long = named('b1', 'x'.repeat(5_000));
  const back = await started.consumer({ source: long, from: 'earliest' });
  await back.until(has(1));
  expect([a, b, back].map(({ numbers }) => numbers)).toEqual([[1, 4], [3], [3]]);
  expect(source.opened.at(-1)?.names).toBeUndefined();
});

test('a source without offsets closes with its last consumer, a source with offsets after a delay', async () => {
  const { source } = await start({}, new ScriptedSource({ hasOffsets: false }));
  const consumer = await bus?.consumer({ on_slow: 'drop-oldest' });
  await consumer?.connected();
  consumer?.socket.end();
  await consumer?.closed();
  // Much less than the five seconds of a source with offsets.
  await vi.waitFor(() => expect(source.followed).toEqual([]));
});

test('a late consumer receives the source state, and every event from connected on', async () => {
  const { source } = await start();
  source.isUp = false;
  const early = await bus?.consumer();
  expect((await early?.first('source_status'))?.state).toBe('connecting');
  source.isUp = true;
  source.move();
  await early?.connected();
  // The cursor to resume from, before the first event.
  await early?.until((c) => c.all('source_status').some(({ cursor }) => cursor === '0'));
  const late = await bus?.consumer();
  expect(await late?.first('source_status')).toMatchObject({
    source: 'scripted',
    state: 'connected',
    cursor: '0',
  });
  source.isUp = false;
  source.move();
  await late?.until((c) =>
    c.all('source_status').some((s) => s.state === 'disconnected' && s.message === 'scripted'),
  );
  const later = await bus?.consumer();
  expect((await later?.first('source_status'))?.state).toBe('disconnected');
});

test('periodic status messages contain the consumer position', async () => {
  const { source } = await start({ statusMs: 20 });
  const consumer = await bus?.consumer({ source: named('a') });
  await consumer?.connected();
  source.publish('a');
  await consumer?.until((c) => c.all('source_status').some((s) => s.cursor === '1' && s.last_event_time));
});

test('a consumer that starts in the past replays on its own stream, then joins the shared one', async () => {
  const { source } = await start();
  const live = await bus?.consumer();
  await live?.connected();
  for (const _ of upTo(50)) source.publish();
  const earliest = await bus?.consumer({ from: 'earliest', on_slow: 'drop-oldest', buffer_size: 5 });
  await earliest?.until(has(50));
  const back = await bus?.consumer({ from: '20' });
  await back?.until(has(30));
  source.publish();
  await Promise.all([earliest?.until(has(51)), back?.until(has(31))]);
  expect(earliest?.numbers).toEqual(upTo(51));
  expect(back?.numbers).toEqual(upTo(51).slice(20));
  await vi.waitFor(() => expect(source.followed).toHaveLength(1));
});

test('an event that no consumer wanted is delivered to one that starts before it', async () => {
  const { source } = await start({ statusMs: 10 });
  const narrow = await bus?.consumer({ source: named('a') });
  await narrow?.connected();
  for (const type of ['a', 'b', 'b']) source.publish(type);
  await narrow?.until((c) => c.all('source_status').some(({ cursor }) => cursor === '3'));
  const wide = await bus?.consumer({ from: 'earliest' });
  await wide?.until(has(3));
  source.publish('b');
  await wide?.until(has(4));
  expect(wide?.numbers).toEqual(upTo(4));
  await vi.waitFor(() => expect(source.followed).toHaveLength(1));
});

test('a consumer that starts before the stream was widened receives the events that the narrow filter excluded', async () => {
  const { source } = await start();
  const narrow = await bus?.consumer({ source: named('a') });
  await narrow?.connected();
  for (const type of ['a', 'b', 'b', 'a']) source.publish(type);
  await narrow?.until(has(2));
  // The ring holds cursor 1 and the next matching event, but not events 2 and 3.
  const late = await bus?.consumer({ source: named('b'), from: '1' });
  await late?.until(has(2));
  source.publish('b');
  await late?.until(has(3));
  expect(late?.numbers).toEqual([2, 3, 5]);
});

test('a consumer that starts where the stream was widened needs no stream of its own', async () => {
  const { source } = await start();
  const narrow = await bus?.consumer({ source: named('a') });
  await narrow?.connected();
  for (const type of ['a', 'b', 'a']) source.publish(type);
  await narrow?.until(has(2));
  const late = await bus?.consumer({ source: named('b'), from: '3' });
  await late?.connected();
  source.publish('b');
  await late?.until(has(1));
  expect(late?.numbers).toEqual([4]);
  expect(source.opened.map(({ from }) => from)).toEqual(['latest', '3']);
});

test('a consumer whose bus died resumes on the next bus after its last event', async () => {
  const { source } = await start();
  const before = await bus?.consumer();
  await before?.connected();
  for (const _ of upTo(10)) source.publish();
  await before?.until(has(10));
  const cursor = before?.all('event').at(-1)?.cursor ?? '';
  await bus?.restart();
  for (const _ of upTo(5)) source.publish();
  const after = await bus?.consumer({ from: cursor });
  await after?.until(has(5));
  source.publish();
  await after?.until(has(6));
  expect(after?.numbers).toEqual(upTo(16).slice(10));
});

test('with replay, any pattern of reading and publishing delivers every event once and in order', async () => {
  const step = fc.oneof(
    fc.record({ publish: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ pause: fc.nat(2) }),
    fc.record({ resume: fc.nat(2) }),
  );
  const wanted = [undefined, ['a'], ['a', 'b']];
  let replays = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(3), async (steps, seed) => {
      const source = new ScriptedSource();
      const shared = await TestBus.start({ ringEvents: 64 }, source);
      try {
        const consumers = await Promise.all(
          wanted.map((names) => shared.consumer(names === undefined ? {} : { source: named(...names) })),
        );
        await Promise.all(consumers.map((consumer) => consumer.connected()));
        const types: string[] = [];
        for (const action of steps) {
          if ('publish' in action) {
            for (let i = 0; i < action.publish; i++) {
              const type = ['a', 'b', 'c'][(types.length * 7 + seed + (types.length >> 3)) % 3] ?? 'a';
              types.push(type);
              source.publish(type, 'x'.repeat(2_000));
            }
          }
          if ('pause' in action) consumers[action.pause]?.socket.pause();
          if ('resume' in action) consumers[action.resume]?.socket.resume();
          await new Promise(setImmediate);
        }
        for (const consumer of consumers) consumer.socket.resume();
        for (const [i, consumer] of consumers.entries()) {
          const names = wanted[i];
          const expected = upTo(types.length).filter((n) => names?.includes(types[n - 1] ?? '') ?? true);
          await consumer.until(has(expected.length));
          expect(consumer.numbers).toEqual(expected);
          expect(consumer.all('event').map(({ seq }) => seq)).toEqual(upTo(expected.length));
        }
        replays += source.opened.filter(({ from }) => Number(from) > 0).length;
      } finally {
        await shared.close();
      }
    }),
    { numRuns: 40 },
  );
  // Some consumers did fall behind and were replayed.
  expect(replays).toBeGreaterThan(10);
});

test('with drop-oldest, the oldest events are dropped, and seq shows how many', async () => {
  const { source } = await start();
  const fast = await bus?.consumer();
  const slow = await bus?.consumer({ on_slow: 'drop-oldest', buffer_size: 10 });
  await Promise.all([fast?.connected(), slow?.connected()]);
  slow?.socket.pause();
  for (const _ of upTo(3_000)) source.publish('order', 'x'.repeat(2_000));
  await fast?.until(has(3_000));
  const dropped = bus?.bus.status().consumers.find(({ on_slow }) => on_slow === 'drop-oldest')?.dropped ?? 0;
  expect(dropped).toBeGreaterThan(1_000);
  slow?.socket.resume();
  await slow?.until((c) => c.numbers.at(-1) === 3_000);
  // The received numbers and seq have the same gaps.
  expect(slow?.all('event').map(({ seq }) => seq)).toEqual(slow?.numbers);
  expect(slow?.numbers.length).toBe(3_000 - dropped);
  expect(slow?.numbers.slice(-10)).toEqual(upTo(3_000).slice(-10));
});

test('with disconnect, too many queued events end the connection', async () => {
  const { source } = await start();
  const slow = await bus?.consumer({ on_slow: 'disconnect', buffer_size: 10 });
  await slow?.connected();
  slow?.socket.pause();
  for (const _ of upTo(3_000)) source.publish('order', 'x'.repeat(2_000));
  await vi.waitFor(() => expect(bus?.bus.status().consumers).toEqual([]));
  slow?.socket.resume();
  await slow?.closed();
});

test('with disconnect, a write that is not read in time ends the connection with slow', async () => {
  const { source } = await start({ writeDeadlineMs: 50 });
  const slow = await bus?.consumer({ on_slow: 'disconnect', buffer_size: 1_000 });
  await slow?.connected();
  slow?.socket.pause();
  for (const _ of upTo(900)) source.publish('order', 'x'.repeat(2_000));
  await vi.waitFor(() => expect(bus?.bus.status().consumers).toEqual([]));
  slow?.socket.resume();
  expect(await slow?.first('bye')).toMatchObject({ reason: 'slow', message: /read nothing/ });
});

test('without offsets, an event is a duplicate only if a consumer received it recently', async () => {
  const { source } = await start({}, new ScriptedSource({ hasOffsets: false }));
  const options = { on_slow: 'drop-oldest' } as const;
  const other = await bus?.consumer({ ...options, source: named('other') });
  await other?.connected();
  source.publish('order', 'same');
  source.publish('other', 'marker');
  await other?.until(has(1));
  const consumer = await bus?.consumer({ ...options, source: named('order', 'other') });
  await consumer?.connected();
  source.publish('order', 'same');
  source.publish('order', 'same');
  source.publish('order', '');
  source.publish('order', '');
  source.publish('other', 'last');
  await consumer?.until((c) => c.all('event').at(-1)?.event.event_id === 'last');
  expect(consumer?.all('event').map(({ event }) => event.event_id)).toEqual(['same', '', '', 'last']);
  const refused = await bus?.consumer();
  expect(await refused?.first('hello_ack')).toMatchObject({ ok: false, code: 'invalid' });
});

test('connected consumers are notified of events that the source has lost', async () => {
  const { source } = await start();
  const consumer = await bus?.consumer();
  await consumer?.connected();
  source.followed[0]?.watcher.onGap({ missed: 7, message: 'trimmed' });
  await consumer?.until((c) => c.all('source_status').some((s) => s.missed === 7 && s.message === 'trimmed'));
});

test('a source that fails ends its consumers, and is reopened for the next one', async () => {
  const { source } = await start();
  const consumer = await bus?.consumer({ credential: 'old' });
  await consumer?.connected();
  source.failure = new ConsumeError('failed', 'gone', 'the stream is gone', { hint: 'Make it.' });
  source.move();
  expect(await consumer?.first('bye')).toMatchObject({
    reason: 'upstream',
    message: 'the stream is gone',
    error: { kind: 'failed', code: 'gone', hint: 'Make it.' },
  });
  source.failure = undefined;
  const next = await bus?.consumer({ credential: 'new' });
  await next?.connected();
  expect(bus?.credentials).toEqual(['old', 'new']);
});

test('if the source rejects a credential, that of another consumer is tried without loss', async () => {
  const started = await start();
  const { source: good } = started;
  const bad = new ScriptedSource();
  started.openSource = (_, credential) => (credential === 'bad' ? bad : good);
  const first = await bus?.consumer({ credential: 'bad' });
  const second = await bus?.consumer({ credential: 'good' });
  await Promise.all([first?.connected(), second?.connected()]);
  bad.failure = new ConsumeError('auth', 'unauthorized', 'no such key');
  bad.move();
  await vi.waitFor(() => expect(good.followed).toHaveLength(1));
  good.publish();
  await Promise.all([first?.until(has(1)), second?.until(has(1))]);
  good.failure = new ConsumeError('auth', 'unauthorized', 'no such key either');
  good.move();
  expect(await first?.first('bye')).toMatchObject({ reason: 'upstream', error: { kind: 'auth' } });
});
