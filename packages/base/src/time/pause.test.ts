import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Backoff } from './backoff.js';
import { pause } from './pause.js';

test('a pause ends with its time or its signal, and leaves no listener behind', async () => {
  const { signal } = new AbortController();
  await pause(1, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const leaving = new AbortController();
  const long = pause(2 ** 31 - 1, leaving.signal);
  leaving.abort();
  await long;
  expect(getEventListeners(leaving.signal, 'abort')).toEqual([]);
  await pause(2 ** 31 - 1, leaving.signal);
});

test('waits double from the first to the longest, each shortened by up to half, and restart after a success', () => {
  const waits = (random: number, count: number) => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 500, random: () => random });
    return { backoff, waits: Array.from({ length: count }, () => backoff.next()) };
  };
  expect(waits(1, 5).waits).toEqual([100, 200, 400, 500, 500]);
  const { backoff, waits: shortest } = waits(0, 3);
  expect(shortest).toEqual([50, 100, 200]);
  expect(backoff.next(1_000)).toBe(1_000);
  backoff.reset();
  expect(backoff.next()).toBe(50);
});
