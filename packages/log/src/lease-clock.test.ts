import { expect, test } from 'vitest';
import { LeaseClock } from './lease-clock.js';

test('the lease clock runs with the process and stops while the process is suspended', () => {
  let monotonic = 50;
  const clock = new LeaseClock(1_000, () => monotonic);
  for (let i = 0; i < 120; i++) {
    monotonic += 250;
    clock.now();
  }
  expect(clock.now()).toBe(31_000);
  monotonic += 3_600_000;
  expect(clock.now()).toBe(32_000);
  monotonic += 5;
  expect(clock.now()).toBe(32_005);
  clock.stop();
});
