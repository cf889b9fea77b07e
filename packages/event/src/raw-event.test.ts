import { expect, test } from 'vitest';
import { payloadText, rawEvent } from './index.js';

const facts = { event_id: 'e', event_type: 't', timestamp: '2026-01-02T03:04:05.678Z' };

test('the text of a payload keeps all digits', () => {
  const text = '{ "n": 12345678901234567890, "x": 1.10 }';
  const event = rawEvent({ ...facts, source_time: '1' }, text);
  expect(payloadText(event)).toBe(text);
  expect(event).toEqual({ ...facts, source_time: '1', payload: { n: 12345678901234567000, x: 1.1 } });
});

test('a copy with another payload has the text of that payload', () => {
  const event = rawEvent(facts, '{"a": 1}');
  expect(payloadText({ ...event, payload: { a: 2 } })).toBe('{"a":2}');
});

test('text that is not JSON is not an event', () => {
  expect(() => rawEvent(facts, '{"a":1')).toThrow(SyntaxError);
});
