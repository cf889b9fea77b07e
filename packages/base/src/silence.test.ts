import { afterEach, expect, test, vi } from 'vitest';
import { afterSilence } from './silence.js';

afterEach(() => {
  vi.useRealTimers();
});

test('silence ends once after its time, and never if it is cancelled', async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  });
  const ends: string[] = [];
  afterSilence(2_500, () => ends.push('end'));
  const callOff = afterSilence(2_500, () => ends.push('called off'));
  await vi.advanceTimersByTimeAsync(2_400);
  callOff();
  expect(ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(ends).toEqual(['end']);
});

test('after a stop of the process the time restarts', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const ends: number[] = [];
  const step = async (ms: number, seen = ms) => {
    now += seen;
    await vi.advanceTimersByTimeAsync(ms);
  };
  afterSilence(3_000, () => ends.push(now));
  await step(1_000);
  await step(1_000);
  await step(1_000, 60_000);
  await step(1_000);
  await step(1_000);
  expect(ends).toEqual([]);
  await step(1_000);
  await step(1);
  expect(ends).toHaveLength(1);
  vi.restoreAllMocks();
});
