import { expect, test } from 'vitest';
import { Slice } from './slice.js';
import { connectionArrived, hasRoom, later, nextTurn, TURN_MS } from './turns.js';

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a slice ends after its time and restarts with the next turn of the event loop', async () => {
  const slice = new Slice({ ms: 2 });
  expect(slice.isOver).toBe(false);
  work(3);
  expect(slice.isOver).toBe(true);
  let hasRun = false;
  setImmediate(() => {
    hasRun = true;
  });
  await slice.next();
  expect([hasRun, slice.isOver]).toEqual([true, false]);
});

test('work that finds its turn used up waits for a later one', async () => {
  const slice = new Slice({ owner: 'a' });
  // Other work of the machine may use up a turn.
  while (slice.enter() !== undefined) await nextTurn();
  work(TURN_MS + 1);
  expect(hasRoom('b')).toBe(false);
  const waits = slice.enter();
  expect(waits).toBeInstanceOf(Promise);
  await waits;
  expect(slice.isOver).toBe(false);
});

test('owners are served in rotation, for any number of waiting slices', async () => {
  const order: string[] = [];
  const flood = Array.from({ length: 50 }, () => nextTurn('flood').then(() => order.push('flood')));
  const other = nextTurn('other').then(() => order.push('other'));
  await Promise.all([...flood, other]);
  expect(order.indexOf('other')).toBeLessThanOrEqual(1);
  expect(order).toHaveLength(51);
});

test('many slices of many owners never share one turn of the event loop', async () => {
  let turn = 0;
  const count = setInterval(() => {
    turn += 1;
  }, 0);
  const turns: number[] = [];
  await Promise.all(
    Array.from({ length: 8 }, async (_, owner) => {
      await nextTurn(String(owner));
      turns.push(turn);
      work(TURN_MS);
    }),
  );
  clearInterval(count);
  expect(new Set(turns).size).toBeGreaterThanOrEqual(7);
});

test('short waiting work runs together in one turn, in the order of its owner', async () => {
  const order: number[] = [];
  for (let i = 0; i < 5; i += 1) later('a', () => order.push(i));
  expect(hasRoom('a')).toBe(false);
  await nextTurn('a');
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test('waiting work pauses while connections arrive, for as long as it has worked', async () => {
  await nextTurn();
  const turns: boolean[] = [];
  let isOver = false;
  const workers = (async () => {
    while (!isOver) {
      await nextTurn('a');
      turns.push(true);
      work(TURN_MS);
    }
  })();
  const arrivals = setImmediate(function arrive(): void {
    connectionArrived();
    turns.push(false);
    if (!isOver) setImmediate(arrive);
  });
  await new Promise((resolve) => setTimeout(resolve, 20 * TURN_MS));
  isOver = true;
  clearImmediate(arrivals);
  await workers;
  // Turns without work are short, so there are several for each turn with it.
  const working = turns.filter((isWork) => isWork).length;
  expect(working).toBeGreaterThan(3);
  expect(turns.length - working).toBeGreaterThan(working * 3);
});
