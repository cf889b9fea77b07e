import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { envelopeText, type RegisteredKey, Registry, rawEvent, type SchemaDef } from '../index.js';

function keyOf(schema: SchemaDef): RegisteredKey {
  const key = new Registry([{ key: 'k', eventType: 'order', schema }]).lookup('k');
  if (key === undefined) throw new Error('a registry has the keys it is made of');
  return key;
}

/** Compiles a schema with its dialect and returns a validator. */
function takes(schema: object): (value: unknown) => boolean {
  return new Ajv2020({ strict: true, allowUnionTypes: true, formats: { order_id: /^o_/ } }).compile(schema);
}

const Order = z.object({
  id: z.string(),
  total: z.number().nullable(),
  note: z.string().optional(),
  lines: z.array(z.object({ sku: z.string(), size: z.enum(['s', 'm']).nullable() })),
});
const order = { id: 'o_1', total: null, lines: [{ sku: 'x', size: 's' }] };

test('a custom type describes the line: required, nullable and unknown members follow the type', () => {
  const key = keyOf({ custom: { type: Order } });
  expect(key.jqRootPath).toBe('.');
  const check = takes(key.outputSchema);
  expect(check(order)).toBe(true);
  expect(check({ ...order, added_later: 1 })).toBe(true);
  const { total: _, ...without } = order;
  expect(check(without)).toBe(false);
  expect(check({ ...order, id: null })).toBe(false);
});

test('a native type is wrapped in the V2 envelope, and so is its event', () => {
  const key = keyOf({ native: { type: Order } });
  expect(key.jqRootPath).toBe('.event');
  const check = takes(key.outputSchema);
  const facts = { event_id: 'e1', event_type: 'order', timestamp: '2026-01-01T00:00:00Z' };
  const text = envelopeText(rawEvent(facts, '{"id":"o_1","total":12345678901234567890,"lines":[]}'));
  expect(text).toContain('12345678901234567890');
  expect(check(JSON.parse(text))).toBe(true);
  const timed = JSON.parse(envelopeText(rawEvent({ ...facts, source_time: '1767225600000' }, '{"id":5}')));
  expect(timed.header).toEqual({ event_id: 'e1', event_type: 'order', create_time: '1767225600000' });
  expect(check(timed)).toBe(false);
  expect(check(order)).toBe(false);
});

interface Tree {
  name: string;
  children: Tree[];
}
const Tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(Tree) }));
const Folder = z.object({
  name: z.string(),
  get children() {
    return z.array(Folder);
  },
});
const RAW = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://weir.example/tree',
  type: 'object',
  properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#' } } },
  required: ['name', 'children'],
  examples: [{ $ref: '#' }],
};
const PLACE = {
  ...RAW,
  $id: 'T0',
  properties: { ...RAW.properties, children: { type: 'array', items: { $ref: 'T0' } } },
};

test.each<[string, SchemaDef, SchemaDef]>([
  ['a lazy type', { custom: { type: Tree } }, { native: { type: Tree } }],
  ['a type with a getter', { custom: { type: Folder } }, { native: { type: Folder } }],
  ['a part of another type', { custom: { type: z.object({ t: Tree }).shape.t } }, { native: { type: Tree } }],
  ['a raw schema that refers to its root', { custom: { raw: RAW } }, { native: { raw: RAW } }],
  ['a raw schema that refers to its id', { custom: { raw: PLACE } }, { native: { raw: PLACE } }],
])('%s is recursive through $defs, with and without the envelope', (_, custom, native) => {
  const tree = { name: 'a', children: [{ name: 'b', children: [] }] };
  const broken = { name: 'a', children: [{ name: 'b', children: [{ name: 5, children: [] }] }] };
  const own = keyOf(custom).outputSchema;
  expect(own.$defs).toBeDefined();
  expect([tree, broken].map(takes(own))).toEqual([true, false]);
  const wrap = (event: unknown) => ({ schema: '2.0', header: { event_id: 'e', event_type: 't' }, event });
  expect([tree, broken].map(wrap).map(takes(keyOf(native).outputSchema))).toEqual([true, false]);
});

test('data that looks like a reference stays data, and a part with an id refers to itself', () => {
  const raw = {
    $id: 'T',
    $defs: { Any: true },
    type: 'object',
    properties: {
      self: { $ref: 'T' },
      $ref: { type: 'string' },
      any: { $ref: '#/$defs/Any' },
      default: { $ref: 'T' },
      'o/t %': { $id: 'odd', type: 'array', items: { $ref: '#' } },
      far: { $ref: 'https://weir.example/other#/properties/a~1%20%25' },
      link: { const: { $ref: '#' } },
      other: {
        $id: 'https://weir.example/other',
        type: 'object',
        properties: { again: { $ref: '#' }, 'a/ %': { $ref: '#/properties/kind' }, kind: { type: 'string' } },
        required: ['kind'],
      },
    },
  };
  const fieldOverrides = { '/event/other/kind': { enum: ['x'] }, '/event/self/$ref': { enum: ['y'] } };
  const check = takes(keyOf({ native: { raw }, fieldOverrides }).outputSchema);
  const line = (event: object) => check({ schema: '2.0', header: { event_id: 'e', event_type: 't' }, event });
  expect(line({ link: { $ref: '#' }, $ref: 'text', self: { $ref: 'y' } })).toBe(true);
  expect(line({ self: { $ref: 'z' } })).toBe(false);
  expect(line({ $ref: 5 })).toBe(false);
  expect(line({ default: { $ref: 5 } })).toBe(false);
  expect([[[]], [5]].map((odd) => line({ 'o/t %': odd }))).toEqual([true, false]);
  expect(line({ link: { $ref: '#/$defs/Event' } })).toBe(false);
  expect(line({ other: { kind: 'x', again: { kind: 'x' } } })).toBe(true);
  expect(line({ other: { kind: 'x', again: {} } })).toBe(false);
  expect(line({ other: { kind: 'z' } })).toBe(false);
  expect(line({ far: 'text', other: { kind: 'x', 'a/ %': 'text' } })).toBe(true);
  expect(line({ far: 5 })).toBe(false);
  expect(line({ other: { kind: 'x', 'a/ %': 5 } })).toBe(false);
});

test('overrides reach members, items and tuples, and keep null allowed', () => {
  const type = Order.extend({ pair: z.tuple([z.string(), z.string()]) });
  const { outputSchema } = keyOf({
    native: { type },
    fieldOverrides: {
      '/event': { description: 'An order' },
      '/event/id': { format: 'order_id', description: 'Which order' },
      '/event/lines/*/size': { enum: ['s', 'm', 'l'] },
      '/event/lines/*/sku': { description: 'What was bought' },
      '/event/total': { enum: [1, 2] },
      '/event/pair/*': { enum: ['x'] },
      '/header/event_type': { enum: ['order'] },
    },
  });
  const check = takes(outputSchema);
  const line = (event: object, event_type = 'order') =>
    check({
      schema: '2.0',
      header: { event_id: 'e', event_type },
      event: { ...order, pair: ['x', 'x'], ...event },
    });
  expect(line({})).toBe(true);
  expect(
    line({
      total: 2,
      lines: [
        { sku: 'x', size: 'l' },
        { sku: 'y', size: null },
      ],
    }),
  ).toBe(true);
  expect(line({ total: 3 })).toBe(false);
  expect(line({ lines: [{ sku: 'x', size: 'xl' }] })).toBe(false);
  expect(line({ id: 'p_1' })).toBe(false);
  expect(line({ pair: ['x', 'y'] })).toBe(false);
  expect(line({}, 'refund')).toBe(false);
  expect(outputSchema).toMatchObject({
    properties: {
      event: {
        description: 'An order',
        properties: {
          id: { description: 'Which order' },
          lines: { items: { properties: { sku: { description: 'What was bought' } } } },
        },
      },
    },
  });
});

test('an override leaves other uses of the same type unchanged', () => {
  const raw = {
    type: 'object',
    properties: { buyer: { $ref: '#/$defs/Person' }, seller: { $ref: '#/$defs/Person' } },
    $defs: {
      Person: {
        type: 'object',
        properties: { role: { type: ['string', 'null'] }, parent: { $ref: '#/$defs/Person' } },
      },
    },
  };
  const check = takes(
    keyOf({ custom: { raw }, fieldOverrides: { '/buyer/parent/role': { enum: ['guardian'] } } }).outputSchema,
  );
  const person = (role: string | null, parent?: object) => ({
    role,
    ...(parent === undefined ? {} : { parent }),
  });
  expect(check({ buyer: person('any', person('guardian')) })).toBe(true);
  expect(check({ buyer: person('any', person(null)) })).toBe(true);
  expect(check({ buyer: person('any', person('friend')) })).toBe(false);
  expect(check({ buyer: person('any', person('guardian', person('friend'))) })).toBe(true);
  expect(check({ seller: person('any', person('friend')) })).toBe(true);
});

test('an override reaches every branch with the field, and names with slashes', () => {
  const type = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('card'), 'a/b~c': z.string() }),
    z.object({ kind: z.literal('cash') }),
    z.object({ kind: z.literal('gift'), 'a/b~c': z.string() }),
  ]);
  const key = keyOf({ custom: { type }, fieldOverrides: { '/a~1b~0c': { enum: ['x'] } } });
  const check = takes(key.outputSchema);
  const any = (kind: string, text?: string) => ({ kind, ...(text === undefined ? {} : { 'a/b~c': text }) });
  expect([any('card', 'x'), any('gift', 'x'), any('cash')].map(check)).toEqual([true, true, true]);
  expect([any('card', 'y'), any('gift', 'y')].map(check)).toEqual([false, false]);
});

test.each([
  '/nothing',
  'id',
  '/id/deeper',
  '/lines/0/sku',
  '/lines/*/nothing',
  '/toString',
  '/loop/x',
  '/far',
])('an override at %s matches no field', (path) => {
  const raw = {
    ...z.toJSONSchema(Order, { io: 'input' }),
    $defs: { loop: { $ref: '#/$defs/loop' }, far: { $ref: 'https://weir.example/other' } },
  };
  const properties = { ...raw.properties, loop: { $ref: '#/$defs/loop' }, far: { $ref: '#/$defs/far' } };
  expect(() =>
    keyOf({ custom: { raw: { ...raw, properties } }, fieldOverrides: { [path]: { format: 'x' } } }),
  ).toThrow(`schema.fieldOverrides[${JSON.stringify(path)}]: The output has no field at this path.`);
});
