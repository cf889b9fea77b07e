import { once } from 'node:events';
import { expect, it } from 'vitest';
import { lostRight } from './right-watch.js';

it('aborts when the right is lost, and asks no more', async () => {
  const answers = [true, true, false];
  let asked = 0;
  const lost = lostRight(
    async () => {
      asked += 1;
      return answers.shift() ?? true;
    },
    new AbortController().signal,
    5,
  );
  await once(lost, 'abort');
  expect(asked).toBe(3);
});

it('asks nothing once the connection is over', async () => {
  const over = new AbortController();
  let asked = 0;
  const ask = async (): Promise<boolean> => {
    asked += 1;
    over.abort();
    return true;
  };
  const lost = lostRight(ask, over.signal, 5);
  await once(over.signal, 'abort');
  lostRight(ask, over.signal, 5);
  const other = new AbortController();
  await once(
    lostRight(async () => false, other.signal, 20),
    'abort',
  );
  expect([asked, lost.aborted]).toEqual([1, false]);
});
