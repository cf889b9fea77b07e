import { defineKey, ParamsError, Registry, RegistryError, rawEvent } from '@weir/event';
import { consume, exitedLine, prepareConsume, SinkFailure, Stop } from '@weir/event/consume';
import { shippedKeys } from '@weir/event/keys';
import { checkSubscriptionIds, RecordingApi, runKey, ScriptedStream, sampleEvent } from '@weir/event/testing';
import { expect, test } from 'vitest';
import * as z from 'zod';

const orders = defineKey({
  key: 'shop.order',
  eventType: 'order',
  params: [
    { name: 'shop', type: 'string', description: 'Whose orders', required: true, subscriptionKey: true },
    { name: 'min', type: 'int', description: 'Smallest total', default: '0' },
  ],
  schema: { custom: { type: z.object({ id: z.string(), total: z.number() }) } },
  authTypes: ['user'],
  normalizeParams: async (api, params) => {
    if (params.shop !== 'mine') return params;
    const me = z.object({ shop: z.string() }).parse(await api.callApi('GET', '/me'));
    return { ...params, shop: me.shop };
  },
  preConsume: async (api, { shop }) => ({ state: await api.callApi('POST', '/hooks', { shop }) }),
  cleanup: async (api, _, state) => void (await api.callApi('DELETE', '/hooks', state)),
  match: ({ payload }, { min }) => totalOf(payload) >= min,
  process: async (_api, { event_id, payload }) => {
    const total = totalOf(payload);
    if (total > 1000) throw new Error('too much');
    return total === 13 ? null : { id: event_id, total };
  },
});
const totalOf = (payload: unknown) => z.object({ total: z.number() }).parse(payload).total;

test('runs a key from its params to its cleanup', async () => {
  const api = new RecordingApi({
    'GET /me': { shop: 'north' },
    'POST /hooks': (body) => ({ made: body ?? null }),
    'DELETE /hooks': null,
  });
  const events = [{ total: 5 }, { total: 13 }, { total: 50 }, { total: 5000 }, {}];
  const result = await runKey(orders, {
    params: ['shop=mine', 'min=10'],
    events,
    api,
    jq: '.id, .total * 2',
  });
  expect(result).toMatchObject({
    lines: ['"event-3"', '100'],
    values: ['event-3', 100],
    dropped: 2,
    failed: 2,
  });
  expect(result.warnings).toEqual([
    expect.stringContaining('too much'),
    expect.stringContaining('a hook of the key failed'),
  ]);
  expect(api.calls).toEqual([
    { method: 'GET', path: '/me' },
    { method: 'POST', path: '/hooks', body: { shop: 'north' } },
    { method: 'DELETE', path: '/hooks', body: { made: { shop: 'north' } } },
  ]);
  await checkSubscriptionIds(orders, [[['shop=north'], result.subscriptionId]]);
});

test('refuses the same requests as consume', async () => {
  const params = ['shop=north'];
  await expect(runKey(orders, { events: [] })).rejects.toThrow(ParamsError);
  await expect(runKey({ ...orders, key: '' }, { params, events: [] })).rejects.toThrow(RegistryError);
  await expect(runKey(orders, { params, events: [], identity: 'bot' })).rejects.toMatchObject({
    kind: 'auth',
  });
  await expect(runKey(orders, { params, events: [], jq: '.a |' })).rejects.toMatchObject({
    code: 'invalid_jq',
  });
  await expect(runKey(orders, { params, events: [] })).rejects.toThrow('Nothing answers POST /hooks');
});

test('runs shipped keys on payloads and on whole events with all digits', async () => {
  const weirEvent = shippedKeys.find(({ key }) => key === 'weir.event');
  if (weirEvent === undefined) throw new Error('there is no weir.event');
  const facts = { event_id: '9', event_type: 'order', timestamp: '2026-11-21T10:00:00Z' };
  const { lines, dropped } = await runKey(weirEvent, {
    params: ['event=order'],
    events: [{ event: 'order', n: 1 }, { event: 'other' }, rawEvent(facts, '{"n":12345678901234567890}')],
  });
  expect(lines).toEqual([expect.stringContaining('"n":1}'), '{"n":12345678901234567890}']);
  expect(dropped).toBe(1);
});

test('a scripted stream yields its steps in order, and records the outcome of its events', async () => {
  const [key] = new Registry([{ key: 'k', eventType: 'e', schema: { custom: { raw: {} } } }]).listAll();
  if (key === undefined) throw new Error('there is no key');
  const prepared = await prepareConsume({ key, params: {}, api: new RecordingApi(), identity: 'bot' });
  const [first, second] = [sampleEvent(1), sampleEvent(2)];
  const stream = new ScriptedStream()
    .push(first, 'c1')
    .state('disconnected', 'gone')
    .state('connected')
    .gap({ missed: 2, message: 'too slow' });
  const lines: string[] = [];
  const taken: string[] = [];
  const outcome = consume(prepared, {
    stream,
    stop: new Stop(),
    report: (line) => void lines.push(line),
    sink: {
      write: async ({ lines, item }) => {
        taken.push(...lines);
        if (item.event === second) throw new SinkFailure('no room');
        stream.push(second).finish();
      },
    },
  });
  expect(exitedLine(await outcome)).toMatch(/received 2 event\(s\) in .*s \(reason: stdin\)/);
  expect(taken).toEqual(['1', '2']);
  expect(stream.acknowledged).toEqual([first]);
  expect(stream.failed).toEqual([second]);
  expect(lines.filter((line) => line.includes('too slow'))).toHaveLength(1);
  expect(() => stream.push(first)).toThrow('The script has ended');
});

test('reports all changed ids with their new values', async () => {
  const changed = checkSubscriptionIds(orders, [
    [['shop=a'], 'shop.order:before'],
    [['shop=b', 'min=3'], 'shop.order:earlier'],
  ]);
  await expect(changed).rejects.toThrow(
    /\["shop=a"\] is shop\.order:\S{16}, not shop\.order:before; .*earlier/,
  );
});
