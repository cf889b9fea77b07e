import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ParamDef, type Params, subscriptionId } from '../index.js';

const param = (name: string, subscriptionKey = true): ParamDef => ({
  name,
  type: 'string',
  description: name,
  subscriptionKey,
});

// Lease files of earlier releases contain these ids: a change would orphan existing leases.
const GOLDEN: readonly [string, string[], Params, string][] = [
  ['weir.usage', [], { anything: 'x' }, 'weir.usage'],
  ['weir.event', ['project'], { project: 'p_1' }, 'weir.event:paFa8rsS9053xhuF'],
  ['weir.event', ['project'], {}, 'weir.event:oiMWzQLkfdSCeBI3'],
  [
    'weir.channel.message',
    ['project', 'process', 'channel'],
    { project: 'p_1', process: 'pr_9', channel: 'general' },
    'weir.channel.message:r6RXqma0kdjCgQAo',
  ],
  ['k', ['n', 'on', 'many'], { n: 5, on: true, many: ['c', 'a,b', 'c'] }, 'k:QnV1MlC0uZ7UW_Fx'],
  ['k', ['name'], { name: 'Zürich ✓ "q"' }, 'k:g_FOUcO5yiwQjFd2'],
];

test.each(GOLDEN)('%s with %j %j', (key, names, params, id) => {
  expect(subscriptionId({ key, params: names.map((name) => param(name)) }, params)).toBe(id);
});

const value = fc.oneof(fc.string({ minLength: 1 }), fc.integer(), fc.boolean());
const named = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), value, {
  minKeys: 1,
  maxKeys: 6,
  noNullPrototype: true,
});

test('the order of params and of definitions does not matter', () => {
  const shuffled = named.chain((params) => {
    const entries = Object.entries(params);
    const any = fc.shuffledSubarray(entries, { minLength: entries.length });
    return fc.tuple(fc.constant(entries), any, any);
  });
  fc.assert(
    fc.property(shuffled, ([entries, defs, params]) => {
      const id = subscriptionId(
        { key: 'k', params: entries.map(([n]) => param(n)) },
        Object.fromEntries(entries),
      );
      const other = { key: 'k', params: defs.map(([n]) => param(n)) };
      expect(subscriptionId(other, Object.fromEntries(params))).toBe(id);
    }),
  );
});

test('params that are no subscription keys do not matter', () => {
  fc.assert(
    fc.property(named, named, (params, others) => {
      const names = Object.keys(params);
      const free = Object.fromEntries(Object.entries(others).filter(([n]) => !names.includes(n)));
      const defs = names.map((n) => param(n));
      const id = subscriptionId({ key: 'k', params: defs }, params);
      const more = [...Object.keys(free).map((n) => param(n, false)), ...defs];
      expect(subscriptionId({ key: 'k', params: more }, { ...params, ...free })).toBe(id);
    }),
  );
});

test('any change of a subscription key changes the id; another key name keeps the hash', () => {
  fc.assert(
    fc.property(named, value, fc.nat(), (params, changed, at) => {
      const names = Object.keys(params);
      const name = names[at % names.length] ?? '';
      fc.pre(String(params[name]) !== String(changed));
      const defs = names.map((n) => param(n));
      const id = subscriptionId({ key: 'k', params: defs }, params);
      expect(subscriptionId({ key: 'k', params: defs }, { ...params, [name]: changed })).not.toBe(id);
      expect(subscriptionId({ key: 'k', params: defs }, { ...params, [name]: undefined })).not.toBe(id);
      expect(subscriptionId({ key: 'j', params: defs }, params)).toBe(id.replace('k:', 'j:'));
    }),
  );
});

test('lists are equal only if they have the same values', () => {
  const item = fc.stringMatching(/^[ab,\\]{1,3}$/);
  const id = (many: readonly string[]) => subscriptionId({ key: 'k', params: [param('many')] }, { many });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 4 }), fc.array(item, { maxLength: 4 }), (a, b) => {
      const same = a.every((v) => b.includes(v)) && b.every((v) => a.includes(v));
      expect(id(a) === id(b)).toBe(same);
    }),
    { numRuns: 2_000 },
  );
});
