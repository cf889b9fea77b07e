import { afterEach, expect, test } from 'vitest';
import { type BusLimits, isNewer } from './index.js';
import { TestBus } from './testing/test-bus.js';
import { HELLO, type TestConsumer } from './testing/test-consumer.js';

const CONTROL = {
  type: 'hello',
  role: 'control',
  protocol: 2,
  version: '1.2.0',
  pid: 7,
  secret: 'secret',
} as const;

let bus: TestBus;
afterEach(() => bus.close());
const start = async (limits: Partial<BusLimits> = {}) => {
  bus = await TestBus.start(limits);
};
const closed = (consumer: TestConsumer) => consumer.closed();

test.each([
  ['secret', { secret: 'other' }],
  ['version', { protocol: 3 }],
])('a hello with another %s is refused', async (code, change) => {
  await start();
  for (const hello of [HELLO, CONTROL]) {
    const connection = await bus.connect({ ...hello, ...change });
    expect(await connection.first('hello_ack')).toMatchObject({ ok: false, code, hint: expect.any(String) });
    await closed(connection);
  }
  expect(bus.bus.status().consumers).toEqual([]);
});

test('a first message that is not hello, or arrives too late, is refused', async () => {
  await start({ helloMs: 30 });
  const query = await bus.connect({ type: 'status_query' });
  expect(await query.first('hello_ack')).toMatchObject({ ok: false, code: 'invalid' });
  const garbage = await bus.connect();
  garbage.socket.write('GET / HTTP/1.1\r\n');
  expect(await garbage.first('hello_ack')).toMatchObject({ ok: false, code: 'invalid' });
  const silent = await bus.connect();
  expect(await silent.first('hello_ack')).toMatchObject({ ok: false, code: 'invalid', message: /No hello/ });
  await Promise.all([query, garbage, silent].map(closed));
});

test('a newer release takes over from a busy bus, and its consumers are sent to the new one', async () => {
  await start();
  const old = await bus.consumer({ version: '1.1.9' });
  await old.connected();
  const newer = await bus.consumer({ version: '1.10.0' });
  expect(await newer.first('hello_ack')).toMatchObject({ ok: false, code: 'handover' });
  expect(await bus.bus.ended).toBe('handover');
  const third = await bus.consumer();
  expect(await third.first('hello_ack')).toMatchObject({ ok: false, code: 'handover' });
  await bus.bus.close('handover');
  expect(await old.first('bye')).toMatchObject({ reason: 'handover' });
  await closed(old);
  expect(bus.source.followed).toEqual([]);
});

test('releases are compared as numbers', () => {
  expect(isNewer('1.10.0', '1.9.9')).toBe(true);
  expect(isNewer('1.2', '1.2.0')).toBe(false);
  expect(isNewer('1.2.0-beta', '1.2.0')).toBe(false);
  expect(isNewer('1.2.0', '1.2.1')).toBe(false);
});

test('a single-consumer key refuses a second consumer and names the first', async () => {
  await start();
  const one = await bus.consumer({ single_consumer: true, pid: 4711 });
  await one.connected();
  const two = await bus.consumer({ single_consumer: true });
  expect(await two.first('hello_ack')).toMatchObject({ ok: false, code: 'single_consumer', message: /4711/ });
  one.socket.end();
  await closed(one);
  const three = await bus.consumer({ single_consumer: true });
  await three.connected();
});

test('control reads the status, and needs force to stop a bus with consumers', async () => {
  await start();
  const consumer = await bus.consumer();
  await consumer.connected();
  bus.source.publish();
  await consumer.first('event');
  const asking = await bus.connect(CONTROL, { type: 'status_query' });
  expect(await asking.first('status_response')).toMatchObject({
    version: '1.2.0',
    pid: process.pid,
    consumers: [{ pid: 42, event_key: 'shop.order', received: 1, dropped: 0, queued: 0, on_slow: 'replay' }],
    sources: [{ source: 'scripted', state: 'connected' }],
  });
  asking.say({ type: 'shutdown', force: false });
  expect(await asking.first('bye')).toMatchObject({ reason: 'error', message: /a consumer/ });
  const forcing = await bus.connect(CONTROL, { type: 'shutdown', force: true });
  expect(await forcing.first('bye')).toMatchObject({ reason: 'shutdown' });
  expect(await bus.bus.ended).toBe('shutdown');
  await bus.bus.close('shutdown');
  expect(await consumer.first('bye')).toMatchObject({ reason: 'shutdown' });
});

test('a consumer that violates the protocol gets the reason', async () => {
  await start();
  const consumer = await bus.consumer();
  await consumer.connected();
  consumer.say({ type: 'ack', of: 'deliveries', ids: ['1'] });
  expect(await consumer.first('bye')).toMatchObject({ reason: 'error' });
  const other = await bus.consumer();
  await other.connected();
  other.socket.write('{"type":"news"}\n');
  expect(await other.first('bye')).toMatchObject({ reason: 'error', message: /news/ });
});

test('a bus ends after some time without consumers, and not while it has one', async () => {
  await start({ idleMs: 300, statusMs: 50 });
  const consumer = await bus.consumer();
  await consumer.connected();
  let hasEnded = false;
  void bus.bus.ended.then(() => {
    hasEnded = true;
  });
  // Consumers keep arriving for much longer than the idle time.
  await consumer.until((c) => c.all('source_status').length > 12);
  expect(hasEnded).toBe(false);
  consumer.say({ type: 'bye', reason: 'limit' });
  await closed(consumer);
  expect(await bus.bus.ended).toBe('idle');
});
