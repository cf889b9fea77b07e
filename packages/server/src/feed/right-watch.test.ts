import { once } from 'node:events';
import { expect, it } from 'vitest';
import { lostRight } from './right-watch.js';

it('aborts when the right is lost, and stops checking', async () => {
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

it('aborts when the check itself fails, and runs one check at a time', async () => {
  const over = new AbortController();
  let asked = 0;
  let fail = (): void => {};
  const lost = lostRight(
    () => {
      asked += 1;
      return new Promise((_resolve, reject) => {
        fail = () => reject(new Error('no answer'));
      });
    },
    over.signal,
    1,
  );
  // Another watch has had many turns by then.
  let turns = 0;
  await once(
    lostRight(
      async () => {
        turns += 1;
        return turns < 10;
      },
      over.signal,
      1,
    ),
    'abort',
  );
  expect(asked).toBe(1);
  fail();
  await once(lost, 'abort');
});

it('stops checking once the connection has ended', async () => {
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
