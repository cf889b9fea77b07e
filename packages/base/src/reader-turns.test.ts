import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { takeTurn } from './reader-turns.js';
import { nextTurn, TURN_MS } from './turns.js';

/** Blocks for `ms` milliseconds. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** The number of portions in each turn of the event loop, from now until all are done. */
async function portionsByTurn(portions: readonly Promise<unknown>[], count: () => number): Promise<number[]> {
  let isDone = false;
  void Promise.all(portions).then(() => {
    isDone = true;
  });
  const turns: number[] = [];
  for (let before = count(); !isDone; before = count()) {
    await new Promise((resolve) => setImmediate(resolve));
    turns.push(count() - before);
  }
  return turns;
}

test('readers together work for the time of one turn of the event loop, for any number of readers', async () => {
  let portions = 0;
  const reader = async () => {
    for (let i = 0; i < 3; i += 1) {
      await takeTurn('p');
      await Promise.resolve();
      portions += 1;
      work(TURN_MS / 3);
    }
  };
  const byTurn = await portionsByTurn(
    Array.from({ length: 20 }, () => reader()),
    () => portions,
  );
  expect(portions).toBe(60);
  // The first figure covers two turns, because the readers began before the count.
  expect(Math.max(...byTurn.slice(1))).toBeLessThanOrEqual(4);
});

test('short portions share a turn of the event loop', async () => {
  await nextTurn();
  let portions = 0;
  const readers = Array.from({ length: 100 }, async () => {
    await takeTurn('p');
    portions += 1;
  });
  const byTurn = await portionsByTurn(readers, () => portions);
  expect(Math.max(...byTurn)).toBeGreaterThan(50);
});

test('an owner with one reader gets as many turns as one with many', async () => {
  const order: string[] = [];
  let isOver = false;
  const reader = async (owner: string) => {
    while (!isOver) {
      await takeTurn(owner);
      order.push(owner);
      work(1);
    }
  };
  const readers = [...Array.from({ length: 50 }, () => reader('busy')), reader('quiet')];
  while (order.length < 100) await nextTurn();
  isOver = true;
  await Promise.all(readers);
  const quiet = order.slice(0, 100).filter((owner) => owner === 'quiet').length;
  expect(quiet).toBeGreaterThanOrEqual(49);
});

test('timers run between the portions of readers that never end', async () => {
  let isOver = false;
  const readers = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      await takeTurn('p');
      work(1);
    }
  });
  for (let i = 0; i < 5; i += 1) await pause(1);
  isOver = true;
  await Promise.all(readers);
});

test('readers make progress although other work uses up every turn', async () => {
  let isOver = false;
  const other = (async () => {
    while (!isOver) {
      await nextTurn('other');
      work(2 * TURN_MS);
    }
  })();
  for (let i = 0; i < 5; i += 1) await takeTurn('p');
  isOver = true;
  await other;
});

test('a reader whose signal aborts stops waiting, and the others continue', async () => {
  const gone = new AbortController();
  await takeTurn('p');
  work(2 * TURN_MS);
  let isOther = false;
  const waits = takeTurn('p', gone.signal);
  const other = takeTurn('p').then(() => {
    isOther = true;
  });
  gone.abort();
  await waits;
  expect(isOther).toBe(false);
  await takeTurn('p', gone.signal);
  expect(isOther).toBe(false);
  await other;
});
