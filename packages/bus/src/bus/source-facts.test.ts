import { rawEvent } from '@weir/event';
import { expect, test } from 'vitest';
import { SourceFacts } from './source-facts.js';

test('the lag is that of the last event while more may wait, and 0 once the source has caught up', () => {
  let [now, isWaiting] = [Date.parse('2026-01-01T00:00:03.700Z'), true];
  const facts = new SourceFacts('feed events', { now: () => now, isWaiting: () => isWaiting });
  facts.moveTo('connected');
  expect(facts.json.lag_ms).toBeUndefined();
  const head = { event_id: 'e', event_type: 'order', timestamp: '2026-01-01T00:00:00.000Z' };
  facts.saw(rawEvent(head, '{"received_at":"2026-01-01T00:00:00.000Z"}'));
  expect(facts.json.lag_ms).toBe(3_700);
  now += 5_000;
  expect(facts.json.lag_ms).toBe(0);
  isWaiting = false;
  expect(facts.json.lag_ms).toBe(3_700);
  isWaiting = true;
  facts.moveTo('disconnected', 'gone');
  expect(facts.json.lag_ms).toBe(3_700);
});
