import { expect, test } from 'vitest';
import { Slice } from './slice.js';
import { hasRoom, later, nextTurn, TURN_MS } from './turns.js';

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a slice ends after its time and begins anew with the next turn of the event loop', async () => {
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
  await nextTurn();
  const slice = new Slice({ owner: 'a' });
  expect(slice.enter()).toBeUndefined();
  work(TURN_MS + 1);
  expect(hasRoom('b')).toBe(false);
  const waits = slice.enter();
  expect(waits).toBeInstanceOf(Promise);
  await waits;
  expect(slice.isOver).toBe(false);
});

test('owners are served in rotation, whatever one of them has waiting', async () => {
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
      work(3);
    }),
  );
  clearInterval(count);
  expect(new Set(turns).size).toBeGreaterThanOrEqual(7);
});

test('short work that waits runs together in one turn, in the order of its owner', async () => {
  const order: number[] = [];
  for (let i = 0; i < 5; i += 1) later('a', () => order.push(i));
  expect(hasRoom('a')).toBe(false);
  await nextTurn('a');
  expect(order).toEqual([0, 1, 2, 3, 4]);
});
