import { expect, test } from 'vitest';
import { type ApiClient, ParamsError, parseParams, Registry, rawEvent } from '../index.js';
import { feedNames, shippedKeys } from './index.js';

const registry = new Registry(shippedKeys);
const api: ApiClient = { callApi: () => Promise.reject(new Error('these keys call nothing')) };
const document = {
  event: 'order',
  event_id: '1',
  user_id: 'u1',
  properties: { plan: 'pro', seats: 5, paid: true, none: null, 'a.b': { c: ['x', 'y'] }, empty: '' },
};

function matches(key: string, args: readonly string[], payload: object = document): boolean {
  const registered = registry.lookup(key);
  const facts = { event_id: '1', event_type: 'order', timestamp: '2026-11-21T10:00:00Z' };
  const event = rawEvent(facts, JSON.stringify(payload));
  return registered?.match?.(event, parseParams(registered.params, args)) ?? false;
}

test.each<[string, boolean]>([
  ['properties.plan=pro', true],
  ['properties.plan!=pro', false],
  ['properties.plan=pr', false],
  ['properties.seats=5', true],
  ['properties.seats=5.0', true],
  ['properties.seats=', false],
  ['properties.paid=true', true],
  ['properties.none=null', true],
  ['properties.none.more=null', false],
  ['properties.a\\.b.c.1=y', true],
  ['properties.a\\.b.c.2!=y', true],
  ['properties.a.b=x', false],
  ['properties.empty=', true],
  ['properties=', false],
  ['properties.toString!=x', true],
  ['user_id=u1', true],
])('where %s: %s', (where, expected) => {
  expect(matches('weir.event', [`where=${where}`])).toBe(expected);
});

test('all filters must match, and identified events have a user', () => {
  expect(matches('weir.event', ['event=order,other', 'user_id=u1', 'where=user_id=u1,event=order'])).toBe(
    true,
  );
  expect(matches('weir.event', ['event=other'])).toBe(false);
  expect(matches('weir.event', ['user_id=u2'])).toBe(false);
  expect(matches('weir.event', ['where=user_id=u1,event=other'])).toBe(false);
  expect(matches('weir.event.identified', [])).toBe(true);
  expect(matches('weir.event', [], { event: 'order' })).toBe(true);
  expect(matches('weir.event.identified', [], { event: 'order' })).toBe(false);
  expect(matches('weir.event.identified', ['user_id=u2'])).toBe(false);
});

test.each(['plan', '=pro', '!=x', 'a..b=c', '.a=b', 'a.=b'])('%s is not a condition', async (where) => {
  const key = registry.lookup('weir.event');
  const normalize = async () => key?.normalizeParams?.(api, parseParams(key.params, [`where=${where}`]));
  const error = await normalize().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ParamsError);
  expect(error).toMatchObject({ problems: [{ param: 'where', hint: expect.stringContaining('-p where=') }] });
});

test('an impossible path is refused with similar members', () => {
  const key = registry.lookup('weir.event');
  const wrong = () => key?.normalizeParams?.(api, parseParams(key.params, ['where=propertes.plan=pro']));
  expect(wrong).toThrow(/`properties`\?.* received_at, properties, extras/);
});

test('names are sent upstream', () => {
  const key = registry.lookup('weir.event');
  if (key === undefined) throw new Error('no weir.event');
  expect(feedNames(key, parseParams(key.params, ['event=a,b']))).toEqual(['a', 'b']);
  expect(feedNames(key, parseParams(key.params, []))).toBeUndefined();
  expect(feedNames({ eventType: 'order' }, {})).toEqual(['order']);
});

test('the schema describes a line', () => {
  const { resolved_output_schema: schema, jq_root_path } = JSON.parse(
    JSON.stringify(registry.lookup('weir.event.identified')),
  );
  expect(jq_root_path).toBe('.');
  expect(schema.required).toEqual(expect.arrayContaining(['event', 'event_id', 'user_id', 'received_at']));
  expect(schema.properties.properties.type).toBe('object');
  expect(schema.properties.received_at.format).toBe('date-time');
});
