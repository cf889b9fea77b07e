import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import type { BusLimits, Lease } from './index.js';
import { TestBus } from './testing/test-bus.js';
import type { TestConsumer } from './testing/test-consumer.js';

let bus: TestBus;
afterEach(() => bus.close());
const start = async (limits: Partial<BusLimits> = {}) => {
  bus = await TestBus.start(limits);
};

const leased = (change: Parameters<TestBus['consumer']>[0] = {}) =>
  bus.consumer({ needs_lease: true, identity: 'bot', params: { shop: 'north' }, ...change });

const kept = async (): Promise<Lease[]> => JSON.parse(await readFile(bus.leasesFile, 'utf8')).leases;
const PREPARED = { type: 'ack', of: 'pre_consume', state: { hook: 7 } } as const;
const LEASE = {
  subscription_id: 'shop.order',
  event_key: 'shop.order',
  identity: 'bot',
  params: { shop: 'north' },
};

/** A consumer that has run preConsume. */
async function first(): Promise<TestConsumer> {
  const consumer = await leased();
  expect(await consumer.first('hello_ack')).toMatchObject({ ok: true, pre_consume: true });
  consumer.say(PREPARED);
  await consumer.connected();
  return consumer;
}

test('the first consumer prepares, the others wait, and only the last runs cleanup with the state', async () => {
  await start();
  const one = await leased();
  await one.first('hello_ack');
  expect(await kept()).toEqual([{ ...LEASE, pending: true }]);
  expect((await stat(bus.leasesFile)).mode & 0o777).toBe(0o600);
  const two = await leased();
  one.say(PREPARED);
  expect(await two.first('hello_ack')).toMatchObject({ ok: true, pre_consume: false });
  await Promise.all([one.connected(), two.connected()]);
  expect(await kept()).toEqual([{ ...LEASE, state: { hook: 7 } }]);

  one.say({ type: 'pre_shutdown_check' });
  expect(await one.first('pre_shutdown_ack')).toEqual({ type: 'pre_shutdown_ack', last: false });
  two.say({ type: 'pre_shutdown_check' });
  expect(await two.first('pre_shutdown_ack')).toMatchObject({ last: true, state: { hook: 7 } });
  const newcomer = await leased();
  one.socket.end();
  two.say({ type: 'ack', of: 'cleanup' }, { type: 'bye', reason: 'limit' });
  expect(await newcomer.first('hello_ack')).toMatchObject({ ok: true, pre_consume: true });
  newcomer.say({ type: 'ack', of: 'pre_consume', error: 'not today' });
  expect(await newcomer.first('bye')).toMatchObject({ reason: 'error', message: /not today/ });
  expect(await kept()).toEqual([]);
  expect(bus.cleaned).toEqual([]);
});

test('a failed preConsume fails the waiting consumers too', async () => {
  await start();
  const one = await leased();
  await one.first('hello_ack');
  const two = await leased();
  await vi.waitFor(() => expect(bus.bus.status().consumers).toHaveLength(2));
  one.say({ type: 'ack', of: 'pre_consume', error: 'no such shop' });
  expect(await two.first('hello_ack')).toMatchObject({
    ok: false,
    code: 'pre_consume_failed',
    message: /no such shop/,
  });
  const three = await leased();
  expect(await three.first('hello_ack')).toMatchObject({ ok: true, pre_consume: true });
  three.say(PREPARED);
  await three.connected();
});

test('if the first consumer leaves first, the last one runs cleanup, or a helper if the last one crashed', async () => {
  await start();
  const one = await first();
  const two = await leased();
  await two.connected();
  one.socket.destroy();
  await vi.waitFor(() => expect(bus.bus.status().consumers).toHaveLength(1));
  expect(bus.cleaned).toEqual([]);
  two.socket.destroy();
  await vi.waitFor(() => expect(bus.cleaned).toEqual([{ ...LEASE, state: { hook: 7 } }]));
  await vi.waitFor(async () => expect(await kept()).toEqual([]));
});

test('if a consumer dies or fails in a hook, a helper runs cleanup, and new consumers wait for it', async () => {
  await start();
  const dies = await leased();
  await dies.first('hello_ack');
  let release = () => {};
  bus.cleanup = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  dies.socket.destroy();
  await vi.waitFor(() => expect(bus.cleaned).toEqual([{ ...LEASE, pending: true }]));
  const next = await leased();
  await vi.waitFor(() => expect(bus.bus.status().consumers).toHaveLength(1));
  expect(next.all('hello_ack')).toEqual([]);
  release();
  expect((await next.first('hello_ack')).ok).toBe(true);
  next.say(PREPARED, { type: 'pre_shutdown_check' });
  expect((await next.first('pre_shutdown_ack')).last).toBe(true);
  next.say({ type: 'ack', of: 'cleanup', error: 'timeout' });
  await vi.waitFor(() => expect(bus.cleaned).toHaveLength(2));
  release();
});

test('a consumer does not wait forever for a hook', async () => {
  await start({ leaseWaitMs: 40 });
  const one = await leased();
  await one.first('hello_ack');
  const two = await leased();
  expect(await two.first('hello_ack')).toMatchObject({ ok: false, code: 'not_now', message: /preConsume/ });
});

test('after a restart, rejoined consumers continue, and a helper cleans up the other leases', async () => {
  await start();
  await first();
  const other = await leased({ subscription_id: 'shop.order:other' });
  await other.first('hello_ack');
  other.say({ type: 'ack', of: 'pre_consume' });
  await other.connected();
  await bus.restart({ leaseWaitMs: 300 });
  expect(bus.cleaned).toEqual([]);
  const back = await leased();
  expect(await back.first('hello_ack')).toMatchObject({ ok: true, pre_consume: false });
  await vi.waitFor(() => expect(bus.cleaned.map((l) => l.subscription_id)).toEqual(['shop.order:other']));
  await vi.waitFor(async () => expect(await kept()).toEqual([{ ...LEASE, state: { hook: 7 } }]));
  back.say({ type: 'pre_shutdown_check' });
  expect(await back.first('pre_shutdown_ack')).toMatchObject({ last: true, state: { hook: 7 } });
  back.say({ type: 'ack', of: 'cleanup' });
  await vi.waitFor(async () => expect(await kept()).toEqual([]));
});

test('a failed or interrupted cleanup is persisted and retried at the next start', async () => {
  await start({ leaseWaitMs: 50 });
  const one = await first();
  bus.cleanup = () => Promise.reject(new Error('upstream is down'));
  one.socket.destroy();
  await vi.waitFor(async () => {
    expect(await kept()).toEqual([{ ...LEASE, state: { hook: 7 }, failed: 'upstream is down' }]);
  });
  const half = await leased({ subscription_id: 'half' });
  await half.first('hello_ack');
  const now = await readFile(bus.leasesFile);
  bus.cleanup = async () => {};
  await bus.restart({ idleMs: 60_000 });
  await vi.waitFor(async () => expect(await kept()).toEqual([]));
  expect(JSON.parse(now.toString()).leases).toHaveLength(2);
  expect(bus.cleaned.map((l) => l.subscription_id)).toEqual(expect.arrayContaining(['shop.order', 'half']));
});

test('an invalid lease file fails the start and is not overwritten', async () => {
  await start();
  await writeFile(bus.leasesFile, '{"version":1,"leases":[{}]}');
  await expect(bus.restart()).rejects.toThrow(bus.leasesFile);
  expect(await readFile(bus.leasesFile, 'utf8')).toBe('{"version":1,"leases":[{}]}');
});

test('a consumer that waits for a hook when the bus is stopped gets the reason and starts no other bus', async () => {
  await start({ leaseWaitMs: 60 });
  await (await leased()).first('hello_ack');
  const waits = await leased();
  await vi.waitFor(() => expect(bus.bus.status().consumers).toHaveLength(2));
  await bus.bus.close('shutdown');
  expect(await waits.first('hello_ack')).toMatchObject({ ok: false, code: 'shutdown' });
});

test('a bus that has ended kills its helpers and writes no more leases', async () => {
  await start({ leaseWaitMs: 20 });
  let release = () => {};
  const ended: string[] = [];
  bus.cleanup = (lease, signal) =>
    new Promise((resolve, reject) => {
      if (lease.subscription_id === 'late') release = resolve;
      signal.addEventListener('abort', () => {
        ended.push(lease.subscription_id);
        if (lease.subscription_id !== 'late') reject(new Error('ended'));
      });
    });
  for (const subscription_id of ['prompt', 'late']) {
    const one = await leased({ subscription_id });
    await one.first('hello_ack');
    one.say(PREPARED);
    await one.connected();
    one.socket.destroy();
  }
  await vi.waitFor(() => expect(bus.cleaned).toHaveLength(2));
  await bus.bus.close('idle');
  expect(ended).toEqual(['prompt', 'late']);
  expect((await kept()).map((lease) => lease.failed)).toEqual([undefined, undefined]);
  await writeFile(bus.leasesFile, 'of the next bus');
  release();
  await turns(20);
  expect(await readFile(bus.leasesFile, 'utf8')).toBe('of the next bus');
});

test('a helper gets the credential of the consumer that created the lease', async () => {
  await start();
  const one = await leased({ credential: 'of the first' });
  await one.first('hello_ack');
  one.say(PREPARED);
  const two = await leased({ credential: 'of the last' });
  await two.connected();
  one.socket.destroy();
  await vi.waitFor(() => expect(bus.bus.status().consumers).toHaveLength(1));
  two.socket.destroy();
  await vi.waitFor(() => expect(bus.cleanedWith).toEqual(['of the first']));
});

test('a forced shutdown runs the cleanups of consumers that will not reconnect', async () => {
  await start();
  await first();
  await bus.bus.close('shutdown');
  expect(bus.cleaned).toHaveLength(1);
  expect(await kept()).toEqual([]);
});

test('200 consumers that join and leave at random: each preConsume has exactly one cleanup', async () => {
  await start();
  const subscriptions = ['a', 'b', 'c'];
  // Per subscription: the upstream creations and deletions, in order.
  const made = new Map<string, string[]>(subscriptions.map((id) => [id, []]));
  const note = (id: string, what: string) => made.get(id)?.push(what);
  bus.cleanup = async (lease) => {
    await turns(3);
    note(lease.subscription_id, 'cleanup');
  };
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const id = subscriptions[i % subscriptions.length] ?? 'a';
      await turns(Math.floor(Math.random() * 300));
      const consumer = await leased({ subscription_id: id });
      const { ok, ...ack } = await consumer.first('hello_ack');
      expect(ok).toBe(true);
      if ('pre_consume' in ack && ack.pre_consume) {
        note(id, 'preConsume');
        if (Math.random() < 0.2) return consumer.socket.destroy();
        await turns(3);
        consumer.say({ type: 'ack', of: 'pre_consume', state: i });
      }
      await consumer.connected();
      await turns(Math.floor(Math.random() * 30));
      if (Math.random() < 0.3) return consumer.socket.destroy();
      consumer.say({ type: 'pre_shutdown_check' });
      if ((await consumer.first('pre_shutdown_ack')).last) {
        if (Math.random() < 0.3) return consumer.socket.destroy();
        await turns(3);
        note(id, 'cleanup');
        consumer.say({ type: 'ack', of: 'cleanup' });
      }
      consumer.say({ type: 'bye', reason: 'limit' });
      return consumer.closed();
    }),
  );
  await vi.waitFor(async () => expect(await kept()).toEqual([]), { timeout: 10_000 });
  for (const [, steps] of made) {
    expect(steps.length).toBeGreaterThan(0);
    expect(steps).toEqual(steps.map((_, i) => (i % 2 === 0 ? 'preConsume' : 'cleanup')));
    expect(steps.length % 2).toBe(0);
  }
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}
