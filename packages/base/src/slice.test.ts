import { expect, test } from 'vitest';
import { nextTurn, Slice } from './slice.js';

test('a slice ends after its time and begins anew with the next turn of the event loop', async () => {
  const slice = new Slice(2);
  expect(slice.isOver).toBe(false);
  while (!slice.isOver);
  let hasRun = false;
  setImmediate(() => {
    hasRun = true;
  });
  await slice.next();
  expect([hasRun, slice.isOver]).toEqual([true, false]);
});

test('other tasks run between two turns', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await nextTurn();
  order.push('loop');
  expect(order).toEqual(['other', 'loop']);
});
