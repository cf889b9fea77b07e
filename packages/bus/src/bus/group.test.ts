import { ConsumeError, SourceGap } from '@weir/event/source';
import { afterEach, expect, test, vi } from 'vitest';
import type { BusLimits } from './index.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { TestBus } from './testing/test-bus.js';

let bus: TestBus;
afterEach(() => bus.close());
const start = async (limits: Partial<BusLimits> = {}) => {
  bus = await TestBus.start(limits);
};
const member = (size = 3) => bus.consumer({ group: 'workers', buffer_size: size });
const publish = (count: number) => Array.from({ length: count }, () => bus.source.publish());

test('a member holds at most its buffer size unacknowledged, and gets more for each acknowledgement', async () => {
  await start();
  publish(5);
  const consumer = await member();
  await consumer.until((c) => c.numbers.length === 3);
  expect(consumer.all('event').map(({ delivery, cursor }) => [delivery, cursor])).toEqual(
    ['1', '2', '3'].map((id) => [{ id, attempt: 1 }, id]),
  );
  expect(bus.source.lent).toEqual(['1', '2', '3']);
  consumer.say({ type: 'ack', of: 'deliveries', ids: ['1'] }, { type: 'ack', of: 'deliveries', ids: ['3'] });
  await consumer.until((c) => c.numbers.length === 5);
  await vi.waitFor(() => expect(bus.source.lent).toEqual(['2', '4', '5']));
  // Acknowledgements of a few milliseconds share a call.
  expect(bus.source.calls).toEqual([{ what: 'ack', ids: ['1', '3'] }]);
  consumer.say({ type: 'ack', of: 'failed_deliveries', ids: ['2'], delay_ms: 1 });
  await consumer.until((c) =>
    c.all('event').some(({ delivery }) => delivery?.id === '2' && delivery.attempt === 2),
  );
  expect(bus.source.opened).toEqual([]);
});

test('the deliveries of a member that leaves are released at once to the others', async () => {
  await start();
  publish(5);
  const goes = await member(3);
  await goes.until((c) => c.numbers.length === 3);
  const stays = await member(100);
  await stays.until((c) => c.numbers.length === 2);
  goes.say({ type: 'ack', of: 'deliveries', ids: ['2'] });
  goes.socket.end();
  await stays.until((c) => c.numbers.length === 4);
  expect(stays.numbers).toEqual([4, 5, 1, 3]);
  expect(bus.source.lent.toSorted()).toEqual(['1', '3', '4', '5']);
});

test('after bye, deliveries are released; after a crash, those that had begun count as an attempt', async () => {
  await start();
  publish(4);
  const leaves = await member(2);
  await leaves.until((c) => c.numbers.length === 2);
  leaves.say({ type: 'bye', reason: 'signal' });
  const dies = await member(3);
  await dies.until((c) => c.numbers.length === 3);
  const had = dies
    .all('event')
    .map(({ delivery }) => delivery?.id ?? '')
    .slice(0, 2);
  dies.say({ type: 'ack', of: 'begin', ids: had });
  await dies.until((c) => c.all('ack').length > 0);
  expect(dies.all('ack')).toEqual([{ type: 'ack', of: 'begun', ids: had }]);
  dies.socket.destroy();
  const last = await member(4);
  await last.until((c) => c.numbers.length === 4);
  const attempts = new Map(last.all('event').map(({ delivery }) => [delivery?.id, delivery?.attempt]));
  for (const [id, attempt] of attempts) expect([id, attempt]).toEqual([id, had.includes(id ?? '') ? 2 : 1]);
});

test('no acknowledgement is lost while the source is interrupted, and the state is reported', async () => {
  await start();
  publish(3);
  const consumer = await member();
  await consumer.until((c) => c.numbers.length === 3);
  for (let i = 0; i < 4; i++) bus.source.interruptGroup();
  consumer.say({ type: 'ack', of: 'deliveries', ids: ['1', '2', '3'] });
  await vi.waitFor(() => expect(bus.source.lent).toEqual([]));
  bus.source.interruptGroup();
  publish(4);
  await consumer.until((c) => c.numbers.length >= 6);
  consumer.say({ type: 'ack', of: 'deliveries', ids: ['4'] });
  await consumer.until((c) => c.numbers.length === 7);
  const states = consumer.all('source_status').map(({ state }) => state);
  expect(states).toContain('disconnected');
  expect(states.at(-1)).toBe('connected');
});

test('a group that is unreachable for too long ends its members', async () => {
  await start({ outageMs: 20 });
  for (let i = 0; i < 1_000; i++) bus.source.interruptGroup();
  const consumer = await member();
  expect(await consumer.first('bye')).toMatchObject({
    reason: 'upstream',
    error: { kind: 'network', code: 'unreachable' },
  });
});

test('the leases of unacknowledged events are extended repeatedly', async () => {
  await start({ extendMs: 20 });
  publish(2);
  const consumer = await member();
  await consumer.until((c) => c.numbers.length === 2);
  await vi.waitFor(() =>
    expect(bus.source.calls.filter(({ what }) => what === 'extend').length).toBeGreaterThan(1),
  );
  expect(bus.source.calls[0]).toEqual({ what: 'extend', ids: ['1', '2'] });
});

test('a silent member receives nothing, its unbegun events are released, and its leases expire', async () => {
  const source = new ScriptedSource();
  source.leaseMs = 1_200;
  bus = await TestBus.start({}, source);
  publish(3);
  const stopped = await member();
  await stopped.until((c) => c.numbers.length === 3);
  stopped.say({ type: 'ack', of: 'begin', ids: ['1'] });
  await stopped.until((c) => c.all('ack').length > 0);
  const there = await member();
  const alive = setInterval(() => there.say({ type: 'ack', of: 'alive' }), 100);
  await there.until((c) => c.numbers.length === 2);
  expect(there.numbers).toEqual([2, 3]);
  expect(source.calls.at(-1)).toEqual({ what: 'release', ids: ['2', '3'] });
  // Extended only while a message arrived within the lease.
  await vi.waitFor(() => expect(source.calls.at(-1)).toEqual({ what: 'extend', ids: ['2', '3'] }), 5_000);
  const extended = () =>
    source.calls.filter(({ what, ids }) => what === 'extend' && ids.includes('1')).length;
  await vi.waitFor(() => expect(bus.warnings).toEqual([]));
  const before = extended();
  expect(before).toBeGreaterThan(0);
  const others = () => source.calls.filter(({ ids }) => ids.includes('2')).length;
  const until = others() + 8;
  await vi.waitFor(() => expect(others()).toBeGreaterThan(until), 5_000);
  const lapsed = extended();
  await vi.waitFor(() => expect(others()).toBeGreaterThan(until + 3), 5_000);
  expect(extended()).toBe(lapsed);
  publish(1);
  await there.until((c) => c.numbers.length === 3);
  clearInterval(alive);
  stopped.say({ type: 'ack', of: 'begin', ids: ['2'] });
  await stopped.until((c) => c.all('ack').length > 1);
  expect(stopped.all('ack').at(-1)).toEqual({ type: 'ack', of: 'lost', ids: ['2'] });
  stopped.say({ type: 'ack', of: 'deliveries', ids: ['1'] });
  await stopped.until((c) => c.all('ack').length > 2);
  expect(stopped.all('ack').at(-1)).toEqual({ type: 'ack', of: 'settled', ids: ['1'] });
}, 20_000);

test('an event that is done or in progress does not run again, on any member or bus', async () => {
  await start();
  publish(3);
  const one = await member(3);
  await one.until((c) => c.numbers.length === 3);
  one.say({ type: 'ack', of: 'begin', ids: ['1', '2'] });
  await one.until((c) => c.all('ack').length === 1);
  const another = await member(9);
  bus.source.lendAgain('2');
  await vi.waitFor(() => expect(bus.source.calls).toEqual([{ what: 'extend', ids: ['2'] }]));
  one.say({ type: 'ack', of: 'deliveries', ids: ['1'] });
  await one.until((c) => c.all('ack').length === 2);
  bus.source.lendAgain('1');
  await vi.waitFor(() => expect(bus.source.calls.filter(({ what }) => what === 'ack')).toHaveLength(2));
  publish(1);
  await vi.waitFor(() => expect([...one.numbers.slice(3), ...another.numbers]).toEqual([4]));
  expect(bus.source.calls.filter(({ what }) => what === 'ack')).toEqual([
    { what: 'ack', ids: ['1'] },
    { what: 'ack', ids: ['1'] },
  ]);
  await bus.restart();
  const back = await bus.consumer({ group: 'workers', member: 'a', holding: ['2'] });
  bus.source.lendAgain('2');
  bus.source.lendAgain('3');
  await back.until((c) => c.numbers.length > 0);
  expect(back.numbers).toEqual([3]);
});

test('events that the group has lost are reported, and a deleted group ends its members', async () => {
  await start();
  bus.source.groupFailures.push(new SourceGap('passed by', { oldest: '3', missed: 9 }));
  publish(1);
  const consumer = await member(1);
  await consumer.until((c) =>
    c.all('source_status').some((s) => s.missed === 9 && s.message === 'passed by'),
  );
  await consumer.until((c) => c.numbers.length === 1);
  bus.source.groupFailures.push(new ConsumeError('failed', 'group_not_found', 'no such group'));
  // Acknowledge, so that the reader pulls again.
  consumer.say({ type: 'ack', of: 'deliveries', ids: ['1'] });
  expect(await consumer.first('bye')).toMatchObject({
    reason: 'upstream',
    error: { code: 'group_not_found' },
  });
});

test.each([
  ['shutdown', [{ what: 'release', ids: ['1', '2', '3'] }]],
  // The members keep their deliveries and acknowledge them on the next bus.
  ['handover', []],
] as const)('a bus that ends by %s settles the deliveries of its members', async (reason, calls) => {
  await start();
  publish(3);
  const consumer = await member();
  await consumer.until((c) => c.numbers.length === 3);
  await bus.bus.close(reason);
  expect(bus.source.calls).toEqual(calls);
  expect(await consumer.first('bye')).toMatchObject({ reason });
});
