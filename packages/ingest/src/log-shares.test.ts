import { expect, test } from 'vitest';
import { LogShares } from './log-shares.js';

test('a share grows with the appends of its project, and shrinks when they are trimmed or fail', () => {
  const shares = new LogShares(1024 * 100);
  for (let offset = 1; offset <= 10; offset += 1) {
    const project = offset % 2 === 0 ? 'even' : 'odd';
    shares.begin(project, 100);
    shares.stored(project, 100, offset);
  }
  shares.begin('even', 70);
  expect([shares.of('even'), shares.of('odd'), shares.of('other')]).toEqual([570, 500, 0]);
  shares.failed('even', 70);
  shares.trimmed(6);
  expect([shares.of('even'), shares.of('odd')]).toEqual([300, 200]);
  shares.trimmed(11);
  expect([shares.of('even'), shares.of('odd')]).toEqual([0, 0]);
});

test('many small appends use a bounded number of buckets', () => {
  const shares = new LogShares(1024 * 1000);
  for (let offset = 1; offset <= 100; offset += 1) {
    shares.begin('p', 100);
    shares.stored('p', 100, offset);
  }
  // Ten appends share a bucket, which is freed when its last entry is trimmed.
  shares.trimmed(10);
  expect(shares.of('p')).toBe(10_000);
  shares.trimmed(11);
  expect(shares.of('p')).toBe(9_000);
});
