import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { periodically } from './periodic.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a run that hangs is never joined by a second one, and a failing run does not stop the interval', async () => {
  const ends: ((error?: Error) => void)[] = [];
  const stop = periodically(
    () => new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
    100,
  );
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ends).toHaveLength(1);
  ends[0]?.(new Error('the disk is away'));
  await vi.advanceTimersByTimeAsync(100);
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await vi.advanceTimersByTimeAsync(100);
  expect(ends).toHaveLength(3);
  ends[2]?.();
  stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ends).toHaveLength(3);
});
