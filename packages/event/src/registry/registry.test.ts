import { expect, test } from 'vitest';
import { defineKey, type KeyDefinition, parseParams, Registry, rawEvent } from '../index.js';
import { custom, good, unchecked } from './testing/unchecked.js';

const param = (members: object) => ({
  params: [{ name: 'p', type: 'string', description: 'A param', ...members }],
});

test('keys are listed by name, found by name, and suggested when misspelt', () => {
  const names = ['weir.usage', 'weir.event', 'weir.event.identified', 'file.line', 'webhook.request'];
  const registry = new Registry(names.map((key) => ({ ...good, key })));
  expect(registry.listAll().map((k) => k.key)).toEqual([...names].sort());
  expect(registry.lookup('weir.usage')?.key).toBe('weir.usage');
  expect(registry.lookup('weir.usages')).toBeUndefined();
  expect(registry.lookup('constructor')).toBeUndefined();
  expect(registry.suggest('weir.evnet')).toEqual(['weir.event']);
  expect(registry.suggest('event')).toEqual(['weir.event', 'weir.event.identified']);
  expect(registry.suggest('weir')).toHaveLength(3);
  expect(registry.suggest('zzzzzz')).toEqual([]);
});

test.each([
  [undefined, 100],
  [0, 100],
  [-5, 100],
  [1, 1],
  [1000, 1000],
  [1001, 1000],
])('a buffer size of %j is %i', (bufferSize, size) => {
  const registry = new Registry([unchecked({ bufferSize })]);
  expect(registry.lookup('shop.order')).toMatchObject({
    bufferSize: size,
    workers: 1,
    singleConsumer: false,
  });
});

test('a registry cannot be changed through its inputs or its results', () => {
  const definition = unchecked({
    ...param({ type: 'enum', values: [{ value: 'a', desc: 'x' }] }),
    schema: { custom: { raw: { type: 'string' } } },
  });
  const registry = new Registry([definition]);
  const before = JSON.stringify(registry.listAll());
  const raw = definition.schema.custom?.raw;
  if (raw !== undefined) Object.assign(raw, { type: 'number' });
  Object.assign(definition.params?.[0] ?? {}, { type: 'int' });
  const key = registry.lookup('shop.order');
  expect(() => Object.assign(key?.outputSchema ?? {}, { type: 'null' })).toThrow(TypeError);
  expect(() => Object.assign(key?.params[0] ?? {}, { name: 'q' })).toThrow(TypeError);
  expect(() => Object.assign(registry.listAll(), { 0: undefined })).toThrow(TypeError);
  expect(JSON.stringify(registry.listAll())).toBe(before);
  expect(new Registry([...registry.listAll(), unchecked({ key: 'more' })]).listAll()).toHaveLength(2);
});

test('hooks have typed params, keep their this, and run from the registry', async () => {
  const api = { callApi: async (_: string, path: string) => `answer of ${path}` };
  const typed = defineKey({
    ...good,
    params: [{ name: 'min', type: 'int', description: 'Smallest total', default: '5' }],
    match: (event, params) => Number(event.payload) >= params.min,
    process: async (client, event, params) => [await client.callApi('GET', '/x'), event.event_id, params.min],
  });
  class Counting implements KeyDefinition {
    key = 'counting';
    eventType = 'order';
    schema = custom;
    seen = 0;
    match() {
      return ++this.seen < 3;
    }
  }
  const registry = new Registry([typed, new Counting()]);
  const key = registry.lookup('shop.order');
  const params = parseParams(key?.params ?? [], ['min=7']);
  const event = rawEvent({ event_id: 'e', event_type: 'order', timestamp: '2026-01-01T00:00:00Z' }, '6');
  expect(key?.match?.(event, params)).toBe(false);
  expect(await key?.process?.(api, event, params)).toEqual(['answer of /x', 'e', 7]);
  const counting = registry.lookup('counting');
  expect([1, 2, 3].map(() => counting?.match?.(event, {}))).toEqual([true, true, false]);
});

test('a key is serialized with the JSON names of its members', () => {
  const raw = { type: 'object', properties: { id: { type: 'string' } } };
  const registry = new Registry([
    unchecked({
      displayName: 'Orders',
      description: 'Every order',
      params: [
        {
          name: 'shop',
          type: 'enum',
          required: true,
          description: 'Which',
          values: [{ value: 'a', desc: 'The first' }],
          subscriptionKey: true,
        },
        { name: 'where', type: 'multi', description: 'Filters', anyValue: true, default: 'x=1' },
      ],
      schema: { custom: { raw }, fieldOverrides: { '/id': { format: 'order_id' } } },
      scopes: ['feed'],
      authTypes: ['bot'],
      requiredConsoleEvents: ['order.made'],
      bufferSize: 5000,
      singleConsumer: true,
      match: () => true,
    }),
    unchecked({ key: 'small' }),
  ]);
  const [orders, small] = JSON.parse(JSON.stringify(registry.listAll()));
  expect(orders).toEqual({
    key: 'shop.order',
    display_name: 'Orders',
    description: 'Every order',
    event_type: 'order',
    params: [
      {
        name: 'shop',
        type: 'enum',
        required: true,
        description: 'Which',
        values: [{ value: 'a', desc: 'The first' }],
        subscription_key: true,
      },
      {
        name: 'where',
        type: 'multi',
        required: false,
        description: 'Filters',
        any_value: true,
        default: 'x=1',
      },
    ],
    schema: { custom: { raw }, field_overrides: { '/id': { format: 'order_id' } } },
    scopes: ['feed'],
    auth_types: ['bot'],
    required_console_events: ['order.made'],
    buffer_size: 1000,
    workers: 1,
    single_consumer: true,
    jq_root_path: '.',
    resolved_output_schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { id: { type: 'string', format: 'order_id' } },
    },
  });
  expect(Object.keys(small)).toEqual([
    'key',
    'event_type',
    'schema',
    'buffer_size',
    'workers',
    'jq_root_path',
    'resolved_output_schema',
  ]);
});

test('a param without a type is a string, and zero workers are one', () => {
  const params = [{ name: 'p', description: 'Any text' }];
  const key = new Registry([unchecked({ params, workers: 0 })]).listAll()[0];
  expect([key?.params[0]?.type, key?.workers, key?.toJSON().params?.[0]?.type]).toEqual([
    'string',
    1,
    'string',
  ]);
});
